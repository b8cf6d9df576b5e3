import { pipeline } from 'node:stream/promises';
import type { ClientConfig } from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { columnsOf, rowHash } from '../../../systems/postgres/migration/validation/row-hash.js';
import { session } from './session.js';
import { benchTables, createTables } from './tables.js';

/** Milliseconds of what plain code takes for the same work, without any check, record or resumption. */

export interface Sides {
  readonly source: ClientConfig;
  readonly destination: ClientConfig;
}

const schema = 'bench';

/** Every table in as many equal parts as there are sessions, so that all of them end at the same time. */
async function partsOf(config: ClientConfig, count: number, signal: AbortSignal): Promise<string[][]> {
  const pages = await session(config, signal, async (client) => {
    const { rows } = await client.query<{ pages: number }>(
      `SELECT (pg_relation_size(('${schema}.' || name)::regclass) / 8192)::int AS pages
         FROM unnest($1::text[]) WITH ORDINALITY AS t (name, place) ORDER BY place`,
      [benchTables],
    );
    return rows.map((row) => row.pages);
  });
  return Array.from({ length: count }, (_, part) =>
    pages.map((all) => {
      const bound = (n: number): string => `'(${Math.round((all * n) / count)},0)'`;
      const below = part === count - 1 ? '' : ` AND t.ctid < ${bound(part + 1)}`;
      return `t.ctid >= ${bound(part)}${below}`;
    }),
  );
}

/** A scan of both sides that hashes every row as a comparison does. @param sessions of each side */
export async function plainHash(sides: Sides, sessions: number, signal: AbortSignal): Promise<number> {
  const work = await Promise.all(
    [sides.source, sides.destination].map(async (config) => ({
      config,
      parts: await partsOf(config, sessions, signal),
    })),
  );
  const began = performance.now();
  await Promise.all(
    work.flatMap(({ config, parts }) =>
      parts.map((wheres) =>
        session(config, signal, async (client) => {
          await client.query('SET jit = off; SET max_parallel_workers_per_gather = 0');
          for (const [i, table] of benchTables.entries()) {
            const hash = rowHash(await columnsOf(client, `${schema}.${table}`));
            await client.query(
              `SELECT count(*), sum(${hash}) FROM ${schema}.${table} AS t WHERE ${wheres[i] ?? ''}`,
            );
          }
        }),
      ),
    ),
  );
  return performance.now() - began;
}

/** `COPY … TO STDOUT` into `COPY … FROM STDIN`, into tables without keys. @param streams at once */
export async function plainCopy(sides: Sides, streams: number, signal: AbortSignal): Promise<number> {
  const into = 'plain';
  await session(sides.destination, signal, (client) => client.query(createTables(into)));
  try {
    return await session(sides.source, signal, async (holder) => {
      await holder.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      const { rows } = await holder.query<{ id: string }>('SELECT pg_export_snapshot() AS id');
      const parts = await partsOf(sides.source, streams, signal);
      const began = performance.now();
      await Promise.all(
        parts.map((wheres) =>
          session(sides.source, signal, (source) =>
            session(sides.destination, signal, async (destination) => {
              await source.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
              await source.query(`SET TRANSACTION SNAPSHOT '${rows[0]?.id ?? ''}'`);
              for (const [i, table] of benchTables.entries()) {
                const out = source.query(
                  copyTo(`COPY (SELECT * FROM ${schema}.${table} AS t WHERE ${wheres[i] ?? ''}) TO STDOUT`),
                );
                await pipeline(out, destination.query(copyFrom(`COPY ${into}.${table} FROM STDIN`)), {
                  signal,
                });
              }
            }),
          ),
        ),
      );
      return performance.now() - began;
    });
  } finally {
    if (!signal.aborted) {
      await session(sides.destination, signal, (client) => client.query(`DROP SCHEMA ${into} CASCADE`));
    }
  }
}
