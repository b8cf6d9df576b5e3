import { messageOf, type ClusterSpec, type NodeId } from '../../contracts/index.js';
import type { EtcdClient } from './client.js';
import { readStatus, type MemberStatus } from './status.js';

export type Statuses = readonly {
  readonly node: NodeId;
  readonly status?: MemberStatus;
  /** Why there is none. */
  readonly failure?: string;
}[];

/** The status of every node at once, and no more: for effects that look often. */
export async function askStatuses(
  client: EtcdClient,
  cluster: ClusterSpec,
  signal: AbortSignal,
): Promise<Statuses> {
  return Promise.all(
    cluster.nodes.map(async ({ id: node }) => {
      try {
        return { node, status: await readStatus(client, cluster, node, { signal }) };
      } catch (error) {
        signal.throwIfAborted();
        return { node, failure: messageOf(error) };
      }
    }),
  );
}

/** The node that says it leads in the latest term that any node knows; an older leader can commit nothing. */
export function latestLeader(
  statuses: Statuses,
): { readonly node: NodeId; readonly status: MemberStatus } | undefined {
  const latest = Math.max(...statuses.map((s) => s.status?.term ?? 0));
  for (const { node, status } of statuses) {
    if (status?.leads === true && status.term === latest) return { node, status };
  }
  return undefined;
}

/** The leader, if one is seen, else the nodes that answer, else all: in the order in which a request is best sent. */
export function byUsefulness(statuses: Statuses): readonly NodeId[] {
  const leader = latestLeader(statuses)?.node;
  const rank = (s: Statuses[number]): number =>
    s.node === leader ? 0 : s.status?.learner === false ? 1 : s.status ? 2 : 3;
  return [...statuses].sort((a, b) => rank(a) - rank(b)).map((s) => s.node);
}
