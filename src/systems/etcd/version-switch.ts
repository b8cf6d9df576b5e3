import { z } from 'zod';
import {
  known,
  messageOf,
  RollgateError,
  unknown,
  type ClusterSpec,
  type EffectContext,
  type NodeId,
  type Observed,
  type VersionSwitchFacet,
} from '../../contracts/index.js';
import { waitUntil } from '../wait.js';
import { EtcdError, grpcCode, type EtcdClient } from './client.js';
import { downgradeInProgress, downgradePath, readLowering } from './level.js';
import { asRollgateError } from './refusal.js';
import { readClusterLevel, seriesOf } from './status.js';
import { askStatuses, latestLeader, type Statuses } from './statuses.js';

/** https://github.com/etcd-io/etcd/blob/main/api/v3rpc/rpctypes/error.go */
const noDowngrade = 'etcdserver: no inflight downgrade job';
const verify = { timeoutMs: 10_000, pollMs: 100 };

/**
 * The cluster version and the way down from it, https://etcd.io/docs/v3.6/downgrades/downgrade_3_6/. etcd raises the
 * cluster version by itself when its last member changes, and lowers it a few seconds after a downgrade was enabled.
 */
export function createVersionSwitch(client: EtcdClient): VersionSwitchFacet {
  return {
    async lower(cluster, to, ctx) {
      const seen = await lookUntilLed(client, cluster, ctx);
      if (seen.lowering.kind === 'known') {
        if (seen.lowering.value === to) return;
        // On that level already, and a member of that series keeps it there.
        const kept = seen.statuses.some((s) => s.status && seriesOf(s.status.version) === to);
        const down = seen.active.kind === 'known' && seen.active.value === to;
        if (seen.lowering.value === undefined && down && kept) return;
      }
      const doing = `lower the cluster version to ${to}`;
      for (const action of ['VALIDATE', 'ENABLE']) {
        try {
          await post(client, cluster, seen.teller, { action, version: `${to}.0` }, ctx);
        } catch (error) {
          ctx.signal.throwIfAborted();
          if (isUnsure(error) && (await becomes(client, cluster, to, ctx))) return;
          throw asRollgateError(
            error,
            seen.teller,
            doing,
            'Only the series before the cluster version can be gone to, and one downgrade at a time: see https://etcd.io/docs/v3.6/downgrades/.',
          );
        }
      }
      if (await becomes(client, cluster, to, ctx)) return;
      throw new RollgateError(
        'SYSTEM_UNREACHABLE',
        `${seen.teller} has accepted to ${doing}, and no leader says within ${verify.timeoutMs} ms that it is under way`,
        'Look at the members (etcdctl endpoint status --cluster -w json, downgradeInfo), then retry.',
      );
    },

    async cancel(cluster, ctx) {
      const seen = await lookUntilLed(client, cluster, ctx);
      if (seen.lowering.kind === 'known' && seen.lowering.value === undefined) return;
      let said = `${seen.teller} has accepted to cancel the downgrade`;
      try {
        await post(client, cluster, seen.teller, { action: 'CANCEL' }, ctx);
      } catch (error) {
        ctx.signal.throwIfAborted();
        const done = error instanceof EtcdError && error.message === noDowngrade;
        if (!done && !isUnsure(error)) {
          throw asRollgateError(error, seen.teller, 'cancel the downgrade', 'See the log of the leader.');
        }
        said = `${seen.teller} was asked to cancel the downgrade (${messageOf(error)})`;
      }
      // A server of 3.6 answers a cancel that failed like one that did not, and one of 3.5 never answers one that
      // succeeded: what is seen afterwards counts.
      if (await becomes(client, cluster, undefined, ctx)) return;
      throw new RollgateError(
        'SYSTEM_UNREACHABLE',
        `${said}, and it is not seen within ${verify.timeoutMs} ms that none is enabled`,
        'See that the cluster has a leader and a quorum, and what its log says; then retry.',
      );
    },
  };
}

/** A lost answer, one that may come after the entry was committed, or another attempt of ours that was faster. */
const isUnsure = (error: unknown): boolean =>
  error instanceof EtcdError
    ? error.message === downgradeInProgress ||
      [grpcCode.unavailable, grpcCode.deadlineExceeded, grpcCode.unknown].some((code) => code === error.code)
    : error instanceof RollgateError && error.code === 'SYSTEM_UNREACHABLE';

interface Look {
  readonly statuses: Statuses;
  readonly active: Observed<string>;
  readonly lowering: Observed<string | undefined>;
  /** Whom to ask: the leader, unless it is of a version that does not tell and another member is not. */
  readonly teller: NodeId;
}

/** `undefined`: no node says that it leads. */
async function look(client: EtcdClient, cluster: ClusterSpec, ctx: EffectContext): Promise<Look | undefined> {
  const statuses = await askStatuses(client, cluster, ctx.signal);
  const leader = latestLeader(statuses);
  if (!leader) return undefined;
  const options = { signal: ctx.signal };
  const active = await activeLevel(client, cluster, leader.node, ctx);
  const telling = [leader, ...statuses].find((s) => s.status?.downgrade && !s.status.learner);
  const all = statuses.flatMap((s) => s.status ?? []);
  return {
    statuses,
    active,
    lowering: await readLowering(client, cluster, { ...leader, statuses: all, active }, options),
    teller: (telling ?? leader).node,
  };
}

async function activeLevel(
  client: EtcdClient,
  cluster: ClusterSpec,
  node: NodeId,
  ctx: EffectContext,
): Promise<Observed<string>> {
  try {
    const level = await readClusterLevel(client, cluster, node, { signal: ctx.signal });
    return level === undefined ? unknown('no cluster version is decided yet') : known(level);
  } catch (error) {
    ctx.signal.throwIfAborted();
    return unknown(messageOf(error));
  }
}

async function lookUntilLed(client: EtcdClient, cluster: ClusterSpec, ctx: EffectContext): Promise<Look> {
  let seen: Look | undefined;
  await waitUntil(
    async () => {
      seen = await look(client, cluster, ctx);
      return seen !== undefined;
    },
    verify,
    ctx,
  );
  if (seen) return seen;
  throw new RollgateError(
    'SYSTEM_UNREACHABLE',
    `no node says within ${verify.timeoutMs} ms that it leads`,
    'Bring a quorum of voters back, then retry.',
  );
}

const becomes = (
  client: EtcdClient,
  cluster: ClusterSpec,
  target: string | undefined,
  ctx: EffectContext,
): Promise<boolean> =>
  waitUntil(
    async () => {
      const lowering = (await look(client, cluster, ctx))?.lowering;
      return lowering?.kind === 'known' && lowering.value === target;
    },
    verify,
    ctx,
  );

const post = (
  client: EtcdClient,
  cluster: ClusterSpec,
  node: NodeId,
  body: object,
  ctx: EffectContext,
): Promise<unknown> =>
  // The commit of an entry may take longer than a look does.
  client.post(cluster, node, downgradePath, body, z.looseObject({}), {
    signal: ctx.signal,
    timeoutMs: 10_000,
  });
