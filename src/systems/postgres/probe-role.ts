import { createHmac } from 'node:crypto';
import type { ClientConfig, ClientBase } from 'pg';
import type { ClusterSpec, NodeSpec } from '../../contracts/index.js';
import { settingsOf, type Sessions } from './connection.js';
import { passGuard } from './migration/ddl-guard.js';

/**
 * Of the probe during a migration: an ordinary client, which is shut out by a fence like every other. Its password is
 * made from that of rollgate's own role, so that it need not be kept anywhere; it is copied to the other side as roles are.
 */
export const probeRole = 'rollgate_probe';

const passwordOf = (own: ClientConfig): string | undefined =>
  typeof own.password === 'string'
    ? createHmac('sha256', own.password).update('rollgate probe').digest('base64url')
    : undefined;

/** How the probe of a migration from `source` logs in on a node of either cluster. */
export async function probeConfig(
  sessions: Sessions,
  source: ClusterSpec,
  cluster: ClusterSpec,
  node: NodeSpec,
  name: string,
): Promise<ClientConfig> {
  const [first] = source.nodes;
  const own = first ? await sessions.config(source, first, name) : {};
  return {
    ...(await sessions.config(cluster, node, name)),
    user: probeRole,
    password: passwordOf(own),
  };
}

/** Make the role with what it needs on the scratch objects, which are there. Idempotent. */
export async function createProbeRole(
  sessions: Sessions,
  cluster: ClusterSpec,
  client: ClientBase,
): Promise<void> {
  const [first] = cluster.nodes;
  if (!first) return;
  const password = passwordOf(await sessions.config(cluster, first, 'rollgate'));
  const schema = settingsOf(cluster).scratchSchema;
  const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [probeRole]);
  await client.query(
    `BEGIN;
     ${passGuard};
     ${rowCount === 0 ? `CREATE ROLE ${probeRole}` : `ALTER ROLE ${probeRole}`} LOGIN PASSWORD ${password === undefined ? 'NULL' : client.escapeLiteral(password)};
     COMMENT ON ROLE ${probeRole} IS 'rollgate: the probe of a migration';
     GRANT USAGE ON SCHEMA ${schema} TO ${probeRole};
     GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA ${schema} TO ${probeRole};
     COMMIT`,
  );
}

/** Idempotent; its sessions are ended. */
export async function dropProbeRole(client: ClientBase): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [probeRole]);
  if (rowCount === 0) return;
  await client.query(
    `ALTER ROLE ${probeRole} NOLOGIN;
     SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${probeRole}';
     DROP OWNED BY ${probeRole};
     DROP ROLE ${probeRole}`,
  );
}
