import {
  RollgateError,
  senderOf,
  type Host,
  type MigrationFacet,
  type NodeSpec,
} from '../../../contracts/index.js';
import type { Sessions } from '../connection.js';
import { onlyPrimary } from '../primary.js';
import { createProbeRole } from '../probe-role.js';
import { createAccept } from './accept.js';
import { createCopyRange } from './copy.js';
import { createDdlGuard } from './ddl-guard.js';
import { createCompareDefinitions } from './definitions.js';
import { createDiscard } from './discard.js';
import { createExport } from './export.js';
import { createInspect } from './inspect.js';
import { createObstacles } from './obstacles/again.js';
import { onItsDisk } from './full-disk.js';
import { smallDisks } from './obstacles/disk.js';
import { createPrepare } from './prepare.js';
import { createSchemaSteps } from './schema.js';
import { createStream } from './stream/stream.js';
import { openSurvivor } from './switch/open-survivor.js';
import { createSwitch } from './switch/switch.js';
import { synchronousWith } from './switch/synchronous.js';
import { createCut } from './validation/cut.js';
import { createHashRange } from './validation/hash-range.js';
import { createLocate } from './validation/locate.js';

/**
 * PostgreSQL 16 and later to the same or a later major version, by logical replication and COPY of one database:
 * https://www.postgresql.org/docs/18/logical-replication.html. Needs a superuser on both sides.
 */
export function createMigration(sessions: Sessions, host?: (node: NodeSpec) => Host): MigrationFacet {
  const inspect = createInspect(sessions);
  const schema = createSchemaSteps(sessions);
  const copyRange = createCopyRange(sessions);
  const ddlGuard = createDdlGuard(sessions);
  const prepare = createPrepare({ sessions, ddlGuard });
  const stream = createStream(sessions);
  const switches = createSwitch(sessions);
  return {
    async inspect(pair, ctx) {
      const view = await inspect(pair, ctx);
      const disks = host ? await smallDisks(host, pair, view.tables, ctx) : [];
      return { ...view, obstacles: [...view.obstacles, ...disks] };
    },
    obstacles: createObstacles(sessions),
    async prepare(pair, ctx) {
      const { source } = pair;
      // Before the guard is there: a role and its grants are definitions too.
      await sessions.on(source, await onlyPrimary(sessions, source), (client) =>
        createProbeRole(sessions, source, client),
      );
      await prepare(pair, ctx);
    },
    exportAt: createExport({ sessions }),
    createSchema: (pair, ctx) => onItsDisk(pair, () => schema.createSchema(pair, ctx)),
    finishSchema: (pair, ctx) => onItsDisk(pair, () => schema.finishSchema(pair, ctx)),
    copyRange: (pair, cut, range, ctx) => onItsDisk(pair, () => copyRange(pair, cut, range, ctx)),
    ...stream,
    async startStream(pair, direction, options, ctx) {
      await stream.startStream(pair, direction, options, ctx);
      // What the way back cannot carry is refused before anybody can do it.
      if (direction === 'back') await ddlGuard.set(pair.destination, ctx);
    },
    async synchronousRequest(pair, direction, ctx) {
      const cluster = pair[senderOf(direction)];
      const node = await onlyPrimary(sessions, cluster);
      const setting = 'synchronous_standby_names';
      const [former, self] = await sessions.on(cluster, node, async (client) => {
        const { rows } = await client.query<{ former: string; self: string }>(
          `SELECT current_setting('${setting}') AS former, current_setting('cluster_name') AS self`,
        );
        return [rows[0]?.former ?? '', rows[0]?.self ?? ''];
      });
      ctx.signal.throwIfAborted();
      const rule = synchronousWith(former, self);
      if (rule.kind === 'refused') throw new RollgateError('SYSTEM_REFUSED', rule.reason, rule.remedy);
      return { node, setting, value: rule.value };
    },
    ...createCut({ sessions }),
    hashRange: createHashRange({ sessions }),
    locate: createLocate({ sessions }),
    compareDefinitions: createCompareDefinitions(sessions),
    ...switches,
    openSurvivor: (pair, ctx) => openSurvivor(sessions, pair, ctx),
    accept: createAccept(sessions),
    discard: createDiscard(sessions),
  };
}
