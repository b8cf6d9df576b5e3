import { setTimeout as delay } from 'node:timers/promises';
import type { Side } from '../../../../../src/contracts/index.js';
import type { FlowingPair } from './flowing-pair.js';

/** What the tests compare: keys of several kinds, none, partitions, a table that is emptied, names that need quotes. */
export const tables = `
  CREATE TYPE state AS ENUM ('new', 'paid');
  CREATE TABLE orders (id bigint PRIMARY KEY, note text, amount numeric, ratio float8, at timestamptz, state state);
  CREATE TABLE journal (line text, n int);
  ALTER TABLE journal REPLICA IDENTITY FULL;
  CREATE TABLE cleared (id bigint PRIMARY KEY, note text);
  CREATE SCHEMA "Odd one";
  CREATE TABLE "Odd one"."we""ird" ("Key" text NOT NULL, "select" state NOT NULL, v jsonb);
  CREATE UNIQUE INDEX weird_key ON "Odd one"."we""ird" ("Key", "select");
  ALTER TABLE "Odd one"."we""ird" REPLICA IDENTITY USING INDEX weird_key;
  CREATE TABLE event (id bigint, day int, what text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
  CREATE TABLE event_early PARTITION OF event FOR VALUES FROM (0) TO (5);
  CREATE TABLE event_late PARTITION OF event FOR VALUES FROM (5) TO (10);
  CREATE SEQUENCE number;`;

export interface Load {
  /** Transactions that were committed. */
  readonly done: () => number;
  /** The longest that one of them took, ms. */
  readonly longestMs: () => number;
  stop(): Promise<void>;
}

const some = '(SELECT (random() * 2000)::int)';

/**
 * Of writer `$w`, which never waits for another one's row. The tables stay small: the receiver has to look through the
 * whole of one that has no key.
 */
const kinds: readonly string[] = [
  `INSERT INTO orders SELECT (random() * 2000)::int, md5(i::text), i / 7.0, sqrt(i), clock_timestamp(), 'new'
     FROM generate_series(1, 2) AS i ORDER BY 1 ON CONFLICT DO NOTHING`,
  `UPDATE orders SET note = note || '.', state = 'paid' WHERE id = ${some}`,
  `DELETE FROM orders WHERE id = ${some}`,
  `INSERT INTO journal SELECT 'line ' || i % 3, i % 2 FROM generate_series(1, 4) AS i`,
  `DELETE FROM journal WHERE ctid = ANY (ARRAY(SELECT ctid FROM journal LIMIT 4 FOR UPDATE SKIP LOCKED))`,
  `UPDATE journal SET n = n + 1 WHERE ctid = (SELECT ctid FROM journal WHERE n < 9 LIMIT 1 FOR UPDATE SKIP LOCKED)`,
  `BEGIN; TRUNCATE cleared; INSERT INTO cleared SELECT nextval('number'), 'new' FROM generate_series(1, 3); COMMIT`,
  `BEGIN; INSERT INTO orders (id, note) VALUES (nextval('number') + 10000, 'kept'); SAVEPOINT s;
     INSERT INTO orders (id, note) VALUES (nextval('number') + 10000, 'not kept'); ROLLBACK TO s;
     INSERT INTO event VALUES (nextval('number'), 3, 'both $w'), (nextval('number'), 7, 'both $w'); COMMIT`,
  `INSERT INTO "Odd one"."we""ird" VALUES ('k' || nextval('number'), 'new', '{"a": 1.10}')`,
  `UPDATE event SET day = 9 - day WHERE id = (SELECT max(id) FROM event WHERE what = 'both $w')`,
  // Larger than logical_decoding_work_mem: it is applied before it is committed.
  `INSERT INTO event SELECT nextval('number'), 1, repeat('x', 90) || $w FROM generate_series(1, 600)`,
  `DELETE FROM event WHERE day = 1 AND what LIKE 'x%$w'`,
  `BEGIN; INSERT INTO orders (id) VALUES (nextval('number') + 10000); ROLLBACK`,
];

/** Several writers, each with everything that changes rows, until they are stopped. */
export async function startLoad(real: FlowingPair, side: Side, writers = 4): Promise<Load> {
  let stopping = false;
  let done = 0;
  let longestMs = 0;
  const clients = await Promise.all(Array.from({ length: writers }, () => real.connect(side)));
  const running = clients.map(async (client, w) => {
    for (let i = w * 3; !stopping; i++) {
      const began = performance.now();
      await client.query(kinds[i % kinds.length]?.replaceAll('$w', String(w)) ?? '');
      longestMs = Math.max(longestMs, performance.now() - began);
      done += 1;
      await delay(10);
    }
  });
  return {
    done: () => done,
    longestMs: () => longestMs,
    async stop() {
      stopping = true;
      await Promise.all(running);
      await Promise.all(clients.map((client) => client.end()));
    },
  };
}
