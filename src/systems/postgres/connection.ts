import { readFile } from 'node:fs/promises';
import { Client, Pool, type ClientBase, type ClientConfig } from 'pg';
import type { ClusterSpec, NodeSpec, SecretResolver } from '../../contracts/index.js';
import { messageOf, nodeSpec, RollgateError } from '../../contracts/index.js';
import { PostgresSettings } from './settings.js';
import { endSession, isSilence } from './silence.js';

/** Short-lived sessions on nodes of a cluster, as rollgate's own role. */
export interface Sessions {
  /**
   * Run `body` with a session that is its own meanwhile; a moment later it is closed, unless it is used again.
   * The body leaves no state in it.
   * @throws SYSTEM_UNREACHABLE when no session can be had, or the node falls silent; errors of statements as `pg` raises them
   */
  on<T>(
    cluster: ClusterSpec,
    node: string,
    body: (client: ClientBase) => Promise<T>,
    options?: SessionOptions,
  ): Promise<T>;
  config(cluster: ClusterSpec, node: NodeSpec, name: string): Promise<ClientConfig>;
}

export interface SessionOptions {
  /** Bound on each statement, ms; default 10 s. */
  readonly statementTimeoutMs?: number;
  /** Connect anew: what is asked includes whether the node accepts sessions, and who is behind its address now. */
  readonly fresh?: boolean;
}

/** Every session of rollgate has this in its application_name; its transactions are not the user's. */
export const applicationName = 'rollgate';

export const settingsOf = (cluster: ClusterSpec): PostgresSettings =>
  PostgresSettings.parse(cluster.settings);

export function endpointOf(node: NodeSpec): { host: string; port: number } {
  const at = node.address.lastIndexOf(':');
  return {
    host: node.address.slice(0, at).replace(/^\[|\]$/g, ''),
    port: Number(node.address.slice(at + 1)),
  };
}

interface Session {
  readonly client: ClientBase;
  leave(broken: boolean): Promise<void>;
}

async function connect(options: ClientConfig): Promise<Session> {
  const client = new Client(options);
  // It may fail once more after the attempt has been given up.
  client.on('error', () => undefined);
  await client.connect();
  return { client, leave: () => endSession(client) };
}

/** How long a session is kept for the next call, ms: most of what a short look costs is its authentication. */
const keptMs = 1000;
/** Of one worker on one node at the same time; more than the activities that it runs at once. */
const atOnce = 200;

export function createSessions(secrets: SecretResolver): Sessions {
  const config: Sessions['config'] = async (cluster, node, name) => {
    const settings = settingsOf(cluster);
    const { tls } = settings;
    const read = async (path: string | undefined): Promise<string | undefined> =>
      path === undefined ? undefined : readFile(path, 'utf8');
    return {
      ...endpointOf(node),
      user: settings.user,
      password: settings.password === undefined ? undefined : await secrets.resolve(settings.password),
      database: settings.database,
      application_name: name,
      connectionTimeoutMillis: settings.connectTimeout,
      ssl:
        tls === undefined
          ? false
          : {
              ca: await read(tls.ca),
              cert: await read(tls.cert),
              key: await read(tls.key),
              rejectUnauthorized: tls.rejectUnauthorized,
            },
    };
  };
  const pools = new Map<string, Pool>();
  const poolOf = (options: ClientConfig): Pool => {
    // With everything in the key a changed password or certificate is a new pool.
    const key = JSON.stringify(options);
    const found = pools.get(key);
    if (found) return found;
    const pool = new Pool({ ...options, max: atOnce, idleTimeoutMillis: keptMs, allowExitOnIdle: true });
    // A kept session that the server ends is dropped by the pool; the next call connects anew.
    pool.on('error', () => undefined);
    pool.on('remove', () => {
      if (pool.totalCount === 0) pools.delete(key);
    });
    pools.set(key, pool);
    return pool;
  };
  const borrow = async (options: ClientConfig): Promise<Session> => {
    const client = await poolOf(options).connect();
    return {
      client,
      leave: (broken) => {
        client.release(broken);
        return Promise.resolve();
      },
    };
  };
  return {
    config,
    async on(cluster, id, body, options = {}) {
      const node = nodeSpec(cluster, id);
      const timeout = options.statementTimeoutMs ?? 10_000;
      const settings = {
        ...(await config(cluster, node, applicationName)),
        statement_timeout: timeout,
        // A server that vanishes without a word must not hold an effect for ever.
        query_timeout: timeout + 5000,
      };
      const { client, leave } = await (options.fresh === true ? connect(settings) : borrow(settings)).catch(
        (error: unknown) => {
          throw unreachable(id, node.address, error, secrets);
        },
      );
      // Without a listener a session that the server ends would end this process.
      let lost: Error | undefined;
      const lose = (error: Error): void => {
        lost = error;
      };
      client.on('error', lose);
      let failed = true;
      try {
        const answer = await body(client);
        failed = false;
        return answer;
      } catch (error) {
        const cause = lost ?? (isSilence(error) ? error : undefined);
        if (cause !== undefined) throw unreachable(id, node.address, cause, secrets);
        throw error;
      } finally {
        client.off('error', lose);
        // What a failed body has left in its session is nobody's to inherit.
        await leave(failed || lost !== undefined);
      }
    },
  };
}

function unreachable(id: string, address: string, error: unknown, secrets: SecretResolver): RollgateError {
  return new RollgateError(
    'SYSTEM_UNREACHABLE',
    `no session on ${id} (${address}): ${secrets.redact(messageOf(error))}`,
    `Check that ${id} runs, accepts connections from the worker, and that the role and its password are right.`,
  );
}
