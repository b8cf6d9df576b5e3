import { readFile } from 'node:fs/promises';
import { Client, type ClientConfig } from 'pg';
import type { ClusterSpec, NodeSpec, SecretResolver } from '../../contracts/index.js';
import { messageOf, nodeSpec, RollgateError } from '../../contracts/index.js';
import { PostgresSettings } from './settings.js';

/** Opens short-lived sessions on nodes of a cluster, as rollgate's own role. */
export interface Sessions {
  /**
   * Run `body` with a session of its own, which is closed afterwards.
   * @throws SYSTEM_UNREACHABLE when no session can be had; errors of statements as `pg` raises them
   */
  on<T>(
    cluster: ClusterSpec,
    node: string,
    body: (client: Client) => Promise<T>,
    options?: SessionOptions,
  ): Promise<T>;
  config(cluster: ClusterSpec, node: NodeSpec, name: string): Promise<ClientConfig>;
}

export interface SessionOptions {
  /** Bound on each statement, ms; default 10 s. */
  readonly statementTimeoutMs?: number;
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
  return {
    config,
    async on(cluster, id, body, options = {}) {
      const node = nodeSpec(cluster, id);
      const timeout = options.statementTimeoutMs ?? 10_000;
      const client = new Client({
        ...(await config(cluster, node, applicationName)),
        statement_timeout: timeout,
        // A server that vanishes without a word must not hold an effect for ever.
        query_timeout: timeout + 5000,
      });
      // Without a listener a session that the server ends would end this process.
      let lost: Error | undefined;
      client.on('error', (error) => {
        lost = error;
      });
      try {
        await client.connect();
      } catch (error) {
        throw unreachable(id, node.address, error, secrets);
      }
      try {
        return await body(client);
      } catch (error) {
        if (lost) throw unreachable(id, node.address, lost, secrets);
        throw error;
      } finally {
        await client.end();
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
