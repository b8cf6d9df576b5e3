import { nodeSpec, type ClusterSpec } from '../../../../contracts/index.js';
import { formatConninfo } from '../../conninfo.js';
import { applicationName, settingsOf, type Sessions } from '../../connection.js';
import type { PostgresSettings } from '../../settings.js';

/**
 * How the receiving server itself connects to the sending one. PostgreSQL keeps it, the password included, in
 * pg_subscription, a column of which is for superusers alone; dropped with the subscription. Files of TLS are read
 * by the receiving server, so they must be there under the same paths as on the worker's host.
 * https://www.postgresql.org/docs/17/catalog-pg-subscription.html and
 * https://www.postgresql.org/docs/17/libpq-connect.html#LIBPQ-PARAMKEYWORDS
 *
 * Never log or return it.
 */
export async function subscriptionConninfo(
  sessions: Sessions,
  cluster: ClusterSpec,
  node: string,
): Promise<string> {
  const { user, database, tls, connectTimeout } = settingsOf(cluster);
  const { host, port, password } = await sessions.config(cluster, nodeSpec(cluster, node), applicationName);
  return formatConninfo(
    new Map([
      ['host', host ?? ''],
      ['port', String(port)],
      ['dbname', database],
      ['user', user],
      ...(typeof password === 'string' ? [['password', password] as const] : []),
      // Below 2 s libpq waits for 2 s.
      ['connect_timeout', String(Math.max(2, Math.ceil(connectTimeout / 1000)))],
      ...tlsOf(tls),
    ]),
  );
}

function tlsOf(tls: PostgresSettings['tls']): (readonly [string, string])[] {
  if (tls === undefined) return [['sslmode', 'disable']];
  const { ca, cert, key } = tls;
  return [
    ['sslmode', tls.rejectUnauthorized ? 'verify-full' : 'require'],
    // Without a file of its own the worker trusts what its system trusts.
    ...(tls.rejectUnauthorized ? [['sslrootcert', ca ?? 'system'] as const] : []),
    ...(cert === undefined ? [] : [['sslcert', cert] as const]),
    ...(key === undefined ? [] : [['sslkey', key] as const]),
  ];
}
