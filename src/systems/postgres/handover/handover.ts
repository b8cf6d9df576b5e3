import type { HandoverFacet } from '../../../contracts/index.js';
import { nodeSpec } from '../../../contracts/index.js';
import { parseLsn } from '../lsn.js';
import { dropIdleSlots, slotNames } from '../slots.js';
import type { HandoverDependencies } from './dependencies.js';
import { fence } from './fence.js';
import { prepare } from './prepare.js';
import { promote } from './promote.js';
import { unfence } from './unfence.js';

/**
 * The handover of PostgreSQL. The fence is a clean (fast) shutdown: the server ends all sessions, ships its whole
 * log with a shutdown checkpoint as the last record to the replicas, and exits
 * (https://www.postgresql.org/docs/17/server-shutdown.html). Its control file then says where the log ends, and a
 * standby.signal in its data directory makes whoever starts it get a standby and no second primary.
 */
export function createHandover(deps: HandoverDependencies): HandoverFacet {
  const { sessions } = deps;
  return {
    prepare: (cluster, from, candidates) => prepare(sessions, cluster, from, candidates),

    async unprepare(cluster, _from, candidates) {
      const names = await slotNames(sessions, cluster);
      for (const id of candidates) await sessions.on(cluster, id, (client) => dropIdleSlots(client, names));
    },

    fence: (cluster, primary, options, ctx) => fence(deps, cluster, primary, options, ctx),
    unfence: (cluster, primary, options, ctx) => unfence(deps, cluster, primary, options, ctx),

    async applied(cluster, candidates) {
      const answers = await Promise.all(
        candidates.map((node) =>
          sessions.on(cluster, node, async (client) => {
            const { rows } = await client.query<{ at: string | null }>(
              'SELECT pg_last_wal_replay_lsn()::text AS at',
            );
            const at = rows[0]?.at;
            return at === null || at === undefined ? [] : [{ node, position: parseLsn(at) }];
          }),
        ),
      );
      return answers.flat();
    },

    promote: (cluster, candidate, held, options, ctx) =>
      promote(deps, cluster, candidate, held, options, ctx),

    async release(cluster, held, promotion, ctx) {
      const spec = nodeSpec(cluster, held.node);
      await deps.host(spec).setFence(spec, undefined, ctx);
      const names = await slotNames(sessions, cluster);
      const replicas = cluster.nodes.filter((n) => n.id !== held.node && n.id !== promotion.node);
      for (const { id } of replicas) await sessions.on(cluster, id, (client) => dropIdleSlots(client, names));
    },
  };
}
