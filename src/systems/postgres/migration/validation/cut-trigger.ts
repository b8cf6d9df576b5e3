import { escapeLiteral, type ClientBase } from 'pg';
import { passGuard } from '../ddl-guard.js';
import { bookkeeping, markerTable } from '../names.js';

/** First key of our advisory locks; the second one is `hashtext` of a marker's name. */
export const cutLock = 1_919_708_263;

const trigger = 'rollgate_stand_at_marker';
const body = `BEGIN PERFORM pg_advisory_xact_lock_shared(${cutLock}, hashtext(NEW.name)); RETURN NEW; END`;

/**
 * On the receiver: whoever applies a marker waits while somebody holds the lock of its name, so that the receiver
 * stands exactly there. Markers that nobody waits for pass. Made if it is not there; for either direction.
 * It fires for the changes that replication applies and for nobody else:
 * https://www.postgresql.org/docs/17/sql-altertable.html#SQL-ALTERTABLE-DESC-DISABLE-ENABLE-TRIGGER
 */
export async function ensureCutTrigger(client: ClientBase): Promise<void> {
  const { rowCount } = await client.query(
    `SELECT FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid
      WHERE g.tgrelid = to_regclass($1) AND g.tgname = $2 AND g.tgenabled = 'R' AND p.prosrc = $3`,
    [markerTable, trigger, body],
  );
  if (rowCount === 1) return;
  const routine = `${bookkeeping}.stand_at_marker`;
  await client.query(`
    BEGIN;
    ${passGuard};
    SELECT pg_advisory_xact_lock(${cutLock}, 0);
    CREATE OR REPLACE FUNCTION ${routine}() RETURNS trigger LANGUAGE plpgsql AS ${escapeLiteral(body)};
    CREATE OR REPLACE TRIGGER ${trigger} BEFORE INSERT ON ${markerTable}
      FOR EACH ROW EXECUTE FUNCTION ${routine}();
    ALTER TABLE ${markerTable} ENABLE REPLICA TRIGGER ${trigger};
    COMMIT`);
}
