import { Client, DatabaseError, type ClientConfig } from 'pg';
import type { ClusterSpec, ProbeClient, ProbeFacet, ProbeKey, WriteOutcome } from '../../contracts/index.js';
import { messageOf } from '../../contracts/index.js';
import { settingsOf, type Sessions } from './connection.js';
import { onlyPrimary } from './primary.js';
import { probeConfig } from './probe-role.js';

/**
 * Errors after which a write may be there all the same: the server was ending (class 57), the connection broke
 * (class 08), or the server says itself that it does not know (40003):
 * https://www.postgresql.org/docs/17/errcodes-appendix.html
 */
const outcomeOpen = /^(57|08|40003)/;

export function createProbe(sessions: Sessions): ProbeFacet {
  return {
    connect: (cluster, { name, also }) =>
      createProbeClient(waysIn(sessions, cluster, also, `rollgate ${name}`)),

    async *readBack(cluster, runId): AsyncIterable<ProbeKey> {
      const schema = settingsOf(cluster).scratchSchema;
      const primary = await onlyPrimary(sessions, cluster);
      const page = 20_000;
      let last = { writer: -1, seq: '-1' };
      for (;;) {
        const after = last;
        const rows = await sessions.on(
          cluster,
          primary,
          async (client) =>
            (
              await client.query<{ writer: number; seq: string }>(
                `SELECT l.writer, l.seq::text AS seq FROM ${schema}.ledger l
                  WHERE l.run_id = $1 AND (l.writer, l.seq) > ($2::int, $3::bigint) ORDER BY l.writer, l.seq LIMIT ${page}`,
                [runId, after.writer, after.seq],
              )
            ).rows,
          { statementTimeoutMs: 60_000 },
        );
        for (const row of rows) yield { runId, writer: row.writer, seq: Number(row.seq) };
        const final = rows.at(-1);
        if (!final || rows.length < page) return;
        last = final;
      }
    },
  };
}

/** How a client gets to one node. */
interface WayIn {
  readonly node: string;
  readonly schema: string;
  readonly connectTimeout: number;
  config(): Promise<ClientConfig>;
}

/** As rollgate's own role; where the writes may move, as an ordinary one of both clusters. */
const waysIn = (
  sessions: Sessions,
  cluster: ClusterSpec,
  also: ClusterSpec | undefined,
  name: string,
): WayIn[] =>
  [cluster, ...(also ? [also] : [])].flatMap((of) =>
    of.nodes.map((node) => ({
      node: `${of.name}/${node.id}`,
      schema: settingsOf(cluster).scratchSchema,
      connectTimeout: settingsOf(of).connectTimeout,
      config: () => (also ? probeConfig(sessions, cluster, of, node, name) : sessions.config(of, node, name)),
    })),
  );

/**
 * Finds the primary by itself, as an application with several hosts in its connection string does. While there is
 * none it keeps its sessions and asks again: to authenticate dozens of times a second would slow the handover that
 * it measures.
 */
function createProbeClient(ways: readonly WayIn[]): ProbeClient {
  const schema = ways[0]?.schema ?? '';
  const insert = `INSERT INTO ${schema}.ledger (run_id, writer, seq) VALUES ($1, $2, $3)`;
  let writing: Session | undefined;
  let reading: Session | undefined;
  const waiting = new Map<string, Session>();
  const forget = (): void => {
    for (const session of waiting.values()) session.end();
    waiting.clear();
  };
  const findPrimary = async (timeoutMs: number): Promise<Session> => {
    const found = await firstOf(
      ways.map(async (way) => {
        const kept = waiting.get(way.node);
        const session = kept && !kept.lost ? kept : await open(way, timeoutMs);
        waiting.set(way.node, session);
        try {
          const { rows } = await session.client.query<{ replica: boolean }>(
            'SELECT pg_is_in_recovery() AS replica',
          );
          if (rows[0]?.replica === false) return { node: way.node, session };
        } catch (error) {
          session.end();
          throw error;
        }
        throw new Error(`${way.node} is a replica`);
      }),
    );
    waiting.delete(found.node);
    return found.session;
  };
  return {
    async write(key, timeoutMs): Promise<WriteOutcome> {
      if (!writing || writing.lost) {
        writing?.end();
        writing = undefined;
        try {
          writing = await findPrimary(timeoutMs);
          forget();
        } catch (error) {
          return { kind: 'refused', reason: messageOf(error) };
        }
      }
      const session = writing;
      session.warned = false;
      try {
        await session.client.query(insert, [key.runId, key.writer, key.seq]);
        // "canceling the wait for synchronous replication": committed here, but perhaps nowhere else.
        if (wasWarned(session)) return { kind: 'unknown', reason: 'the commit was not waited for' };
        return { kind: 'acknowledged' };
      } catch (error) {
        const code = error instanceof DatabaseError ? error.code : undefined;
        if (code !== undefined && !outcomeOpen.test(code)) {
          if (code === '25006') session.end();
          return { kind: 'refused', reason: messageOf(error) };
        }
        session.end();
        return { kind: 'unknown', reason: messageOf(error) };
      }
    },

    async read(timeoutMs) {
      if (!reading || reading.lost) {
        reading?.end();
        reading = undefined;
        reading = await anyNode(ways, timeoutMs);
      }
      try {
        await reading.client.query(`SELECT count(*) FROM ${schema}.canary`);
      } catch (error) {
        reading.end();
        throw error;
      }
      return undefined;
    },

    close() {
      writing?.end();
      reading?.end();
      forget();
      return Promise.resolve();
    },
  };
}

const wasWarned = (session: Session): boolean => session.warned;

interface Session {
  readonly client: Client;
  lost: boolean;
  warned: boolean;
  end(): void;
}

/** A session on the first node that accepts one; the others are closed again. */
async function anyNode(ways: readonly WayIn[], timeoutMs: number): Promise<Session> {
  const attempts = ways.map((way) => open(way, timeoutMs));
  const chosen = await firstOf(attempts);
  for (const attempt of attempts) {
    attempt.then((other) => other !== chosen && other.end()).catch(() => undefined);
  }
  return chosen;
}

async function open(way: WayIn, timeoutMs: number): Promise<Session> {
  const client = new Client({
    ...(await way.config()),
    connectionTimeoutMillis: Math.min(timeoutMs, way.connectTimeout),
    query_timeout: timeoutMs,
  });
  const session: Session = {
    client,
    lost: false,
    warned: false,
    end: () => {
      session.lost = true;
      client.end().catch(() => client.removeAllListeners('notice'));
    },
  };
  client.on('error', () => {
    session.lost = true;
  });
  client.on('notice', () => {
    session.warned = true;
  });
  await client.connect();
  return session;
}

/** The first that succeeds; if none does, an error with every reason. */
async function firstOf<T>(attempts: readonly Promise<T>[]): Promise<T> {
  try {
    return await Promise.any(attempts);
  } catch (error) {
    const reasons =
      error instanceof AggregateError ? error.errors.map(messageOf).join('; ') : messageOf(error);
    throw new Error(reasons, { cause: error });
  }
}
