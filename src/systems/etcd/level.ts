import {
  known,
  messageOf,
  unknown,
  type ClusterSpec,
  type LevelView,
  type NodeId,
  type Observed,
} from '../../contracts/index.js';
import { z } from 'zod';
import { leaderOf, type Answer } from './answer.js';
import { EtcdError, type EtcdClient, type RequestOptions } from './client.js';
import { compareSeries, seriesBefore, seriesOf, type MemberStatus } from './status.js';

/** The first series whose servers tell their storage version and whether a downgrade is enabled. */
const telling = '3.6';

export const downgradePath = '/v3/maintenance/downgrade';
/** https://github.com/etcd-io/etcd/blob/main/api/v3rpc/rpctypes/error.go */
export const downgradeInProgress = 'etcdserver: cluster has a downgrade job in progress';

/**
 * The level of one member: its cluster version, and from 3.6 on the version of its storage, which follows the
 * cluster version within seconds. While they differ the member is between two levels, and neither may be counted
 * on: not the lower one, because an older server cannot read its data yet, and not the higher one, because it is not
 * there yet. A server before 3.6 has no storage version.
 */
export function nodeLevel(answer: Answer): Observed<string> {
  const { status, clusterLevel } = answer;
  if (!status) return unknown(answer.failure ?? 'no answer');
  if (clusterLevel.kind === 'unknown') return clusterLevel;
  const server = seriesOf(status.version);
  if (server === undefined) return unknown(`its version is ${status.version}`);
  if (compareSeries(server, telling) < 0) return clusterLevel;
  if (status.storageLevel === undefined) return unknown('it tells no storage version');
  if (status.storageLevel === clusterLevel.value) return clusterLevel;
  return unknown(`its cluster version is ${clusterLevel.value}, its storage version ${status.storageLevel}`);
}

export async function groupLevel(
  client: EtcdClient,
  cluster: ClusterSpec,
  answers: readonly Answer[],
  options: RequestOptions,
): Promise<LevelView> {
  const active = activeLevel(answers);
  return { active, lowering: await lowering(client, cluster, answers, active, options) };
}

function activeLevel(answers: readonly Answer[]): Observed<string> {
  const told = answers.filter((a) => a.status && a.clusterLevel.kind === 'known');
  const levels = new Set(
    told.flatMap((a) => (a.clusterLevel.kind === 'known' ? [a.clusterLevel.value] : [])),
  );
  const [level] = levels;
  if (level === undefined) return unknown('no member tells the cluster version');
  if (levels.size === 1) return known(level);
  const seen = told.map(
    (a) => `${a.spec.id}: ${a.clusterLevel.kind === 'known' ? a.clusterLevel.value : ''}`,
  );
  return unknown(`the members differ (${seen.join(', ')})`);
}

async function lowering(
  client: EtcdClient,
  cluster: ClusterSpec,
  answers: readonly Answer[],
  active: Observed<string>,
  options: RequestOptions,
): Promise<Observed<string | undefined>> {
  const leader = leaderOf(answers);
  if (!leader?.status) return unknown('no leader answers');
  if (leader.quorumRead.kind !== 'known' || !leader.quorumRead.value) {
    return unknown(`${leader.spec.id} says that it leads, and has no quorum`);
  }
  const statuses = answers.flatMap((a) => a.status ?? []);
  return readLowering(
    client,
    cluster,
    { node: leader.spec.id, status: leader.status, statuses, active },
    options,
  );
}

/**
 * Whether a downgrade is enabled. The leader's status tells it from 3.6 on. A leader before 3.6 knows it and does
 * not tell; but asked whether a downgrade would be valid, which changes nothing, it says that one is in progress.
 * Its target is then that of the members that tell it; when none does, every member is older than 3.6, and the target
 * can only be the level that they are on already: what is left to do is etcd's own clearing up, within seconds.
 */
export async function readLowering(
  client: EtcdClient,
  cluster: ClusterSpec,
  leader: {
    readonly node: NodeId;
    readonly status: MemberStatus;
    /** Of all nodes that answer. */
    readonly statuses: readonly MemberStatus[];
    readonly active: Observed<string>;
  },
  options: RequestOptions,
): Promise<Observed<string | undefined>> {
  if (leader.status.downgrade) return known(leader.status.downgrade.target);
  if (leader.active.kind === 'unknown') return leader.active;
  const before = seriesBefore(leader.active.value);
  if (before === undefined) return unknown(`there is no level before ${leader.active.value}`);
  try {
    const body = { action: 'VALIDATE', version: `${before}.0` };
    await client.post(cluster, leader.node, downgradePath, body, z.looseObject({}), options);
    return known(undefined);
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!(error instanceof EtcdError) || error.message !== downgradeInProgress) {
      return unknown(`${leader.node} does not say whether a downgrade is enabled: ${messageOf(error)}`);
    }
  }
  const targets = new Set(leader.statuses.flatMap((s) => s.downgrade?.target ?? []));
  const [target] = targets;
  if (targets.size > 1) return unknown(`the members tell different targets (${[...targets].join(', ')})`);
  return known(target ?? leader.active.value);
}
