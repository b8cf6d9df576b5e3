import { RollgateError, type ClusterSpec } from '../../contracts/index.js';
import type { Sessions } from './connection.js';

/** Nodes that take writes now; those that do not answer are left out. */
export async function primariesOf(sessions: Sessions, cluster: ClusterSpec): Promise<string[]> {
  const answers = await Promise.all(
    cluster.nodes.map(async ({ id }) => {
      try {
        return await sessions.on(cluster, id, async (client) => {
          const { rows } = await client.query<{ primary: boolean }>(
            'SELECT NOT pg_is_in_recovery() AS primary',
          );
          return rows[0]?.primary === true ? [id] : [];
        });
      } catch (error) {
        if (error instanceof RollgateError && error.code === 'SYSTEM_UNREACHABLE') return [];
        throw error;
      }
    }),
  );
  return answers.flat();
}

/** @throws SYSTEM_UNREACHABLE unless exactly one node takes writes */
export async function onlyPrimary(sessions: Sessions, cluster: ClusterSpec): Promise<string> {
  const primaries = await primariesOf(sessions, cluster);
  const [primary] = primaries;
  if (primary !== undefined && primaries.length === 1) return primary;
  throw new RollgateError(
    'SYSTEM_UNREACHABLE',
    primaries.length === 0
      ? `no node of ${cluster.name} takes writes`
      : `${primaries.join(' and ')} of ${cluster.name} take writes at the same time`,
    'Bring the cluster to one writable primary; the call is repeated by itself.',
  );
}
