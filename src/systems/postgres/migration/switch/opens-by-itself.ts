import type { Client } from 'pg';
import type { Side } from '../../../../contracts/index.js';
import { factTable } from '../names.js';
import { fenceFact } from './side-state.js';

/** How often the server looks, s. */
const look = 0.05;

/**
 * Have the sending server itself open its roles again when a fence is not made in time and nobody is there to undo it:
 * our process has died, or the network between us is away. A session of ours looks after the fact of that attempt, with
 * the server's own clock; it acts as long as no position is written there, so never when the other side may be open.
 * It is to be sent before anything is closed, and goes on without us.
 *
 * Each look is a transaction of its own, so that it locks nothing in between:
 * https://www.postgresql.org/docs/17/plpgsql-transactions.html
 *
 * @param withinMs when it stops to look; by then the attempt is over
 */
export function opensByItself(
  client: Client,
  { side, attempt }: { side: Side; attempt: string },
  withinMs: number,
): void {
  const text = `DO $watch$
    DECLARE
      ends timestamptz := clock_timestamp() + interval '${Math.ceil(withinMs)} ms';
      closed jsonb;
      one text;
    BEGIN
      WHILE clock_timestamp() < ends LOOP
        PERFORM pg_catalog.pg_sleep(${look});
        DELETE FROM ${factTable}
         WHERE name = ${client.escapeLiteral(fenceFact(side))} AND value ->> 'attempt' = ${client.escapeLiteral(attempt)}
           AND value -> 'position' IS NULL
           AND (value ->> 'until')::float8 < extract(epoch FROM clock_timestamp())
         RETURNING value INTO closed;
        IF closed IS NOT NULL THEN
          FOR one IN SELECT rolname FROM pg_catalog.pg_roles
                      WHERE closed -> 'logins' ? rolname::text AND NOT rolcanlogin LOOP
            EXECUTE format('ALTER ROLE %I LOGIN', one);
          END LOOP;
          COMMIT;
          RETURN;
        END IF;
        COMMIT;
      END LOOP;
    END $watch$`;
  // Its end tells nothing: what is so stands in the fact.
  client.query(text, () => undefined);
}
