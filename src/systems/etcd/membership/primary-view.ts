import {
  RollgateError,
  type ClusterSpec,
  type EffectContext,
  type NodeId,
} from '../../../contracts/index.js';
import type { EtcdClient } from '../client.js';
import { readMembers, type ListedMember } from '../member-list.js';
import { asRollgateError } from '../refusal.js';
import { readStatus } from '../status.js';

/** The list as a quorum has it, and the node that leads. */
export interface PrimaryView {
  readonly leader: NodeId;
  readonly clusterId: string;
  readonly members: readonly ListedMember[];
}

/**
 * Ask every node who leads, and the leader for the list. Two clusters among the nodes are told, not chosen between:
 * a node that is to join may hold a cluster of its own.
 * @throws SYSTEM_UNREACHABLE, SYSTEM_REFUSED
 */
export async function readAsPrimary(
  client: EtcdClient,
  cluster: ClusterSpec,
  ctx: EffectContext,
): Promise<PrimaryView> {
  const options = { signal: ctx.signal };
  const asked = cluster.nodes.map(async ({ id }) => ({
    id,
    status: await readStatus(client, cluster, id, options),
  }));
  const answers = (await Promise.allSettled(asked)).flatMap((a) =>
    a.status === 'fulfilled' ? [a.value] : [],
  );
  ctx.signal.throwIfAborted();
  const leaders = answers.filter((a) => a.status.leads).sort((a, b) => b.status.term - a.status.term);
  const leader = leaders[0];
  if (leader === undefined) {
    throw new RollgateError(
      'SYSTEM_UNREACHABLE',
      `no node of ${cluster.name} says that it leads; ${answers.length} of ${cluster.nodes.length} answered`,
      'See that a quorum of the members runs and is reachable from the worker, then retry.',
    );
  }
  const { clusterId } = leader.status;
  const foreign = leaders.find((a) => a.status.clusterId !== clusterId);
  if (foreign !== undefined) {
    throw new RollgateError(
      'SYSTEM_REFUSED',
      `${leader.id} and ${foreign.id} lead two different clusters (${hex(clusterId)} and ${hex(foreign.status.clusterId)})`,
      'Stop the one that does not belong to this cluster file, or take it out of the file.',
    );
  }
  try {
    return { leader: leader.id, clusterId, members: await readMembers(client, cluster, leader.id, options) };
  } catch (error) {
    ctx.signal.throwIfAborted();
    throw asRollgateError(error, leader.id, 'list its members', 'See its log, then retry.');
  }
}

export const memberOf = (view: PrimaryView, node: NodeId): ListedMember | undefined =>
  view.members.find((m) => m.node === node);

/** As etcd writes ids in its log and tools; its gateway writes them in decimal. */
export const hex = (id: string): string => BigInt(id).toString(16);
