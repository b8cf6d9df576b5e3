import { z } from 'zod';
import type { ClusterSpec, NodeId } from '../../contracts/index.js';
import type { EtcdClient, RequestOptions } from './client.js';

/** Ids have more digits than a number holds. */
const Id = z.string().regex(/^\d+$/);
const Index = z.coerce.number().int().default(0);

const Status = z.looseObject({
  header: z.looseObject({ cluster_id: Id, member_id: Id }),
  version: z.string(),
  leader: Id.optional(),
  raftTerm: Index,
  raftIndex: Index,
  raftAppliedIndex: Index,
  isLearner: z.boolean().default(false),
  errors: z.array(z.string()).default([]),
  storageVersion: z.string().optional(),
  downgradeInfo: z
    .looseObject({ enabled: z.boolean().default(false), targetVersion: z.string().optional() })
    .optional(),
});

/**
 * What one member says of itself, from its own memory and without a quorum:
 * https://etcd.io/docs/v3.6/dev-guide/api_reference_v3/#message-statusresponse-apietcdserverpbrpcproto
 */
export interface MemberStatus {
  readonly memberId: string;
  readonly clusterId: string;
  readonly version: string;
  /** The member that it sees as the leader. */
  readonly leaderId: string | undefined;
  readonly leads: boolean;
  readonly learner: boolean;
  readonly term: number;
  /** Index of the last entry that it knows to be committed. */
  readonly committed: number;
  readonly applied: number;
  /** Alarms, and that it sees no leader, in etcd's words. */
  readonly errors: readonly string[];
  /** Series of its data; told by 3.6 and later. */
  readonly storageLevel: string | undefined;
  /** Whether a downgrade is enabled, and to which series; `undefined`: a server before 3.6 does not tell. */
  readonly downgrade: { readonly target: string | undefined } | undefined;
}

export async function readStatus(
  client: EtcdClient,
  cluster: ClusterSpec,
  node: NodeId,
  options?: RequestOptions,
): Promise<MemberStatus> {
  const said = await client.post(cluster, node, '/v3/maintenance/status', {}, Status, options);
  const { member_id: memberId, cluster_id: clusterId } = said.header;
  const leaderId = said.leader === '0' ? undefined : said.leader;
  const { downgradeInfo } = said;
  return {
    memberId,
    clusterId,
    version: said.version,
    leaderId,
    leads: leaderId === memberId,
    learner: said.isLearner,
    term: said.raftTerm,
    committed: said.raftIndex,
    applied: said.raftAppliedIndex,
    errors: said.errors,
    storageLevel: said.storageVersion === undefined ? undefined : seriesOf(said.storageVersion),
    downgrade: downgradeInfo && {
      target: downgradeInfo.enabled ? targetOf(downgradeInfo.targetVersion ?? '') : undefined,
    },
  };
}

/** A target that cannot be read is a target all the same. */
const targetOf = (version: string): string => seriesOf(version) ?? `"${version}"`;

const Version = z.looseObject({ etcdcluster: z.string() });

/**
 * The cluster version as this member has it, as a series; `undefined` while none is decided. By `GET /version`, as
 * in https://etcd.io/docs/v3.6/upgrades/upgrade_3_6/.
 */
export async function readClusterLevel(
  client: EtcdClient,
  cluster: ClusterSpec,
  node: NodeId,
  options?: RequestOptions,
): Promise<string | undefined> {
  const said = Version.parse(JSON.parse(await client.get(cluster, node, '/version', options)));
  return seriesOf(said.etcdcluster);
}

/** `3.6.0` → `3.6`; `undefined` for what is no version, such as `not_decided`. */
export const seriesOf = (version: string): string | undefined => /^(\d+\.\d+)(\.|$)/.exec(version)?.[1];

/** The series before, e.g. `3.5` of `3.6`. */
export function seriesBefore(series: string): string | undefined {
  const [major, minor] = series.split('.').map(Number);
  return major === undefined || minor === undefined || minor === 0 ? undefined : `${major}.${minor - 1}`;
}

/** Negative when `a` is the earlier series. */
export function compareSeries(a: string, b: string): number {
  const [left, right] = [a, b].map((s) => s.split('.').map(Number));
  return (left?.[0] ?? 0) - (right?.[0] ?? 0) || (left?.[1] ?? 0) - (right?.[1] ?? 0);
}
