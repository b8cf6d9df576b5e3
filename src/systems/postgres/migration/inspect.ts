import {
  RollgateError,
  type ClusterSpec,
  type MigrationFacet,
  type MigrationView,
  type Obstacle,
  type Side,
  type TableSize,
} from '../../../contracts/index.js';
import type { Sessions } from '../connection.js';
import { onlyPrimary } from '../primary.js';
import { missingDatabase, otherDatabases } from './obstacles/databases.js';
import { destinationQuestions } from './obstacles/destination.js';
import { localeQuestions } from './obstacles/locale.js';
import { askAll, placeOf, rowsOf, type Look, type Question } from './obstacles/look.js';
import { objectQuestions } from './obstacles/objects.js';
import { serverQuestions } from './obstacles/server.js';
import { synchronousQuestions } from './obstacles/synchronous.js';
import { tableQuestions } from './obstacles/tables.js';
import { identityQuestion, privileges, versions } from './obstacles/versions.js';
import { withLook } from './obstacles/with-look.js';
import { replicatedTables } from './publication.js';
import { residueOf } from './residue.js';
import { isUserSchema } from './user-objects.js';

type Inspect = MigrationFacet['inspect'];

/** What both sides are seen to be; nothing is changed. Only their primaries are asked. */
export function createInspect(sessions: Sessions): Inspect {
  return async (pair, ctx) => {
    const missing = [
      await databaseObstacle(sessions, 'source', pair.source),
      await databaseObstacle(sessions, 'destination', pair.destination),
    ].filter((o) => o !== undefined);
    ctx.heartbeat();
    if (missing.length > 0) return nothingMore(missing);
    return withLook(sessions, 'source', pair.source, (source) =>
      withLook(sessions, 'destination', pair.destination, async (destination) => {
        const first = [...privileges(source), ...privileges(destination), ...versions(source, destination)];
        const view = {
          versions: { source: source.version, destination: destination.version },
          residue: {
            source: await residueOf(source.client),
            destination: await residueOf(destination.client),
          },
        };
        // Nobody but a superuser sees enough for the other answers to mean anything, and older servers lack what is asked.
        if (first.length > 0) return { ...nothingMore(first), ...view };
        const { tables, sequences, obstacles } = await contentOf(source);
        ctx.heartbeat();
        return {
          ...view,
          obstacles: [...obstacles, ...(await obstaclesOf(sessions, source, destination))],
          tables,
          sequences,
          observedAt: new Date().toISOString(),
        };
      }),
    );
  };
}

const nothingMore = (obstacles: readonly Obstacle[]): MigrationView => ({
  versions: { source: 'unknown', destination: 'unknown' },
  obstacles,
  tables: [],
  sequences: 0,
  residue: { source: [], destination: [] },
  observedAt: new Date().toISOString(),
});

/** @throws SYSTEM_UNREACHABLE when the side does not answer, for any other reason than that its database is missing */
async function databaseObstacle(
  sessions: Sessions,
  side: Side,
  cluster: ClusterSpec,
): Promise<Obstacle | undefined> {
  try {
    await onlyPrimary(sessions, cluster);
    return undefined;
  } catch (error) {
    if (!(error instanceof RollgateError) || error.code !== 'SYSTEM_UNREACHABLE') throw error;
    const missing = await missingDatabase(sessions, side, cluster);
    if (missing === undefined) throw error;
    return missing;
  }
}

async function obstaclesOf(sessions: Sessions, source: Look, destination: Look): Promise<Obstacle[]> {
  const ofSource: Question[] = [
    ...serverQuestions(source),
    ...tableQuestions(source, destination),
    ...objectQuestions(source),
    otherDatabases(sessions, source),
    ...localeQuestions(source, destination),
    ...synchronousQuestions(source),
  ];
  const ofDestination: Question[] = [
    identityQuestion(source, destination),
    ...serverQuestions(destination),
    ...destinationQuestions(source, destination),
    ...synchronousQuestions(destination),
  ];
  return [...(await askAll(source, ofSource)), ...(await askAll(destination, ofDestination))];
}

/** What is to be copied. Sizes wait for locks, so not to know them is an answer of its own. */
async function contentOf(
  look: Look,
): Promise<{ tables: TableSize[]; sequences: number; obstacles: Obstacle[] }> {
  let tables: TableSize[] = [];
  let sequences = 0;
  const obstacles = await askAll(look, [
    {
      what: 'the sizes of its tables',
      async ask() {
        tables = await replicatedTables(look.client);
        return [];
      },
    },
    {
      what: 'which sequences it has',
      async ask() {
        const [row] = await rowsOf<{ count: number }>(
          look,
          `SELECT count(*)::int AS count FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND ${isUserSchema('n.nspname')}`,
        );
        if (!row) throw new Error(`${placeOf(look)} did not count its sequences`);
        sequences = row.count;
        return [];
      },
    },
  ]);
  return { tables, sequences, obstacles };
}
