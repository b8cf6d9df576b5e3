import type { Obstacle } from '../../../../contracts/index.js';
import { streamName } from '../names.js';
import { counted, listed, majorOf, namesOf, placeOf, rowsOf, type Look, type Question } from './look.js';

/** What each of the two servers must have room for: it sends in one direction and applies in the other. */
export function serverQuestions(look: Look): Question[] {
  return [
    { what: 'its wal_level', ask: () => walLevel(look) },
    { what: 'who else uses logical slots', ask: () => foreignSlots(look) },
    { what: 'what else it subscribes to', ask: () => subscriptions(look) },
    { what: 'whether transactions are prepared', ask: () => preparedTransactions(look) },
    { what: 'how much room there is for replication', ask: () => room(look) },
    { what: 'how long a slot keeps WAL', ask: () => slotLimits(look) },
  ];
}

const ours = [streamName('forward'), streamName('back')];

async function walLevel(look: Look): Promise<Obstacle[]> {
  const [level] = await namesOf(look, "SELECT current_setting('wal_level') AS name");
  if (level === 'logical') return [];
  return [
    {
      code: 'PG_WAL_LEVEL',
      node: look.node,
      message: `wal_level of ${placeOf(look)} is ${level ?? 'unknown'}, and both sides send their changes as logical ones`,
      remedy: `ALTER SYSTEM SET wal_level = 'logical'; on every node of the ${look.side}, then restart them: a rolling upgrade to the version that they have does it.`,
    },
  ];
}

/** Who reads one would read from a server that gets no writes any more. */
async function foreignSlots(look: Look): Promise<Obstacle[]> {
  const names = await namesOf(
    look,
    `SELECT slot_name AS name FROM pg_replication_slots
      WHERE slot_type = 'logical' AND slot_name <> ALL ($1) ORDER BY 1`,
    [ours],
  );
  const [first] = names;
  if (first === undefined) return [];
  return [
    {
      code: 'PG_FOREIGN_SLOTS',
      node: look.node,
      message: `${counted(names.length, 'logical slot')} of others on ${placeOf(look)}: ${listed(names)}; who reads from it would not follow to the other side`,
      remedy: `End its reader and drop it: SELECT pg_drop_replication_slot('${first}'); after the cutover let the reader begin anew on the destination.`,
    },
  ];
}

/** What arrives from elsewhere has an origin, and the streams of a migration carry what has none. */
async function subscriptions(look: Look): Promise<Obstacle[]> {
  const found = await rowsOf<{ name: string; database: string }>(
    look,
    `SELECT format('%I', s.subname) AS name, d.datname AS database
       FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE s.subname <> ALL ($1) ORDER BY 1`,
    [ours],
  );
  const [first] = found;
  if (!first) return [];
  return [
    {
      code: 'PG_SUBSCRIBER',
      node: look.node,
      message: `${placeOf(look)} is a subscriber itself: ${listed(found.map((s) => `${s.name} in database ${s.database}`))}; what it receives is not carried on, as its origin is another one`,
      remedy: `In database ${first.database}: DROP SUBSCRIPTION ${first.name}; and subscribe again after the acceptance.`,
    },
  ];
}

/**
 * The slot is made only when every transaction that writes has ended, in whichever database; and no side is closed
 * while one holds its tables, which it does until somebody ends it.
 */
async function preparedTransactions(look: Look): Promise<Obstacle[]> {
  const found = await rowsOf<{ name: string; database: string }>(
    look,
    'SELECT quote_literal(gid) AS name, database FROM pg_prepared_xacts ORDER BY prepared, gid',
  );
  const [first] = found;
  if (!first) return [];
  return [
    {
      code: 'PG_PREPARED_TRANSACTIONS',
      node: look.node,
      message: `${counted(found.length, 'prepared transaction')} on ${placeOf(look)}: ${listed(found.map((x) => `${x.name} in database ${x.database}`))}; before they end no snapshot for the copy can be had, and the writes cannot move`,
      remedy: `In database ${first.database}: COMMIT PREPARED ${first.name}; or ROLLBACK PREPARED ${first.name};`,
    },
  ];
}

interface Room {
  readonly setting: string;
  readonly limit: number;
  /** By others than us. */
  readonly used: number;
  readonly needed: number;
  readonly purpose: string;
}

/**
 * https://www.postgresql.org/docs/18/logical-replication-config.html. As a sender each side needs a slot and two WAL
 * senders (the stream, and the one that makes the slot); as a receiver an origin and a worker that applies.
 */
async function room(look: Look): Promise<Obstacle[]> {
  const [row] = await rowsOf<Record<string, string | null>>(
    look,
    `SELECT current_setting('max_replication_slots') AS slots, current_setting('max_wal_senders') AS senders,
            current_setting('max_active_replication_origins', true) AS origins,
            current_setting('max_logical_replication_workers') AS workers,
            current_setting('max_worker_processes') AS processes,
            (SELECT count(*) FROM pg_replication_slots WHERE slot_name <> ALL ($1)) AS "usedSlots",
            (SELECT count(*) FROM pg_stat_activity
              WHERE backend_type = 'walsender' AND application_name <> ALL ($1)) AS "usedSenders",
            (SELECT count(*) FROM pg_replication_origin o WHERE NOT EXISTS (
               SELECT FROM pg_subscription s WHERE o.roname = 'pg_' || s.oid AND s.subname = ANY ($1))) AS "usedOrigins",
            (SELECT count(*) FROM pg_subscription WHERE subenabled AND subname <> ALL ($1)) AS "usedWorkers"`,
    [ours],
  );
  if (!row) throw new Error('the node returned no limits');
  const of = (name: string): number => Number(row[name]);
  const places: Room[] = [
    {
      ...{ setting: 'max_replication_slots', limit: of('slots'), used: of('usedSlots'), needed: 1 },
      purpose: 'the slot that keeps its changes for the other side',
    },
    {
      ...{ setting: 'max_wal_senders', limit: of('senders'), used: of('usedSenders'), needed: 2 },
      purpose: 'the stream to the other side, and for whoever makes its slot',
    },
    {
      // Before 18 it was this setting that bounded origins as well.
      setting: majorOf(look) >= 18 ? 'max_active_replication_origins' : 'max_replication_slots',
      ...{ limit: of(majorOf(look) >= 18 ? 'origins' : 'slots'), used: of('usedOrigins'), needed: 1 },
      purpose: 'the origin that remembers how far it has applied',
    },
    {
      ...{
        setting: 'max_logical_replication_workers',
        limit: of('workers'),
        used: of('usedWorkers'),
        needed: 1,
      },
      purpose: 'the worker that applies changes',
    },
    {
      // The launcher, beside the workers it starts.
      ...{ setting: 'max_worker_processes', limit: of('processes'), used: of('workers'), needed: 1 },
      purpose: 'every logical replication worker and their launcher',
    },
  ];
  const short = places.filter((p) => p.limit < p.used + p.needed);
  // Slots and origins may share one setting; the higher need is the one to tell.
  const settings = [...new Set(short.map((p) => p.setting))];
  return settings.map((setting) => {
    const place = short
      .filter((p) => p.setting === setting)
      .reduce((a, b) => (b.used + b.needed > a.used + a.needed ? b : a));
    const least = place.used + place.needed;
    return {
      code: 'PG_NO_ROOM',
      node: look.node,
      message: `${setting} of ${placeOf(look)} is ${place.limit}, ${place.used} are taken, and ${place.needed} more must be free for ${place.purpose}`,
      remedy: `ALTER SYSTEM SET ${setting} = ${least}; (or more) on every node of the ${look.side}, then restart them; or free what is taken.`,
    };
  });
}

/** https://www.postgresql.org/docs/18/runtime-config-replication.html#GUC-MAX-SLOT-WAL-KEEP-SIZE */
async function slotLimits(look: Look): Promise<Obstacle[]> {
  const found = await rowsOf<{ name: string; value: string }>(
    look,
    `SELECT name, current_setting(name) AS value FROM pg_settings
      WHERE (name = 'max_slot_wal_keep_size' AND setting <> '-1')
         OR (name = 'idle_replication_slot_timeout' AND setting <> '0') ORDER BY 1`,
  );
  return found.map(({ name, value }) => ({
    code: 'PG_SLOT_LIMIT',
    node: look.node,
    message: `${name} of ${placeOf(look)} is ${value}: when the other side stays behind, its slot is given up and with it the migration, or the way back`,
    remedy: `ALTER SYSTEM SET ${name} = ${name === 'max_slot_wal_keep_size' ? -1 : 0}; SELECT pg_reload_conf(); on every node of the ${look.side}; or accept slot-limit.`,
    acceptAs: 'slot-limit',
  }));
}
