import {
  nodeSpec,
  RollgateError,
  type ClusterSpec,
  type EffectContext,
  type Host,
  type NodeSpec,
} from '../../contracts/index.js';
import { endpointOf, type Sessions } from './connection.js';
import { formatConninfo, parseConninfo, redirect } from './conninfo.js';
import { ensureSlot, primarySlotName, slotOf } from './slots.js';
import { waitUntil } from '../wait.js';

const autoConf = 'postgresql.auto.conf';
export const standbySignal = 'standby.signal';

/**
 * Re-point a running replica: https://www.postgresql.org/docs/17/runtime-config-replication.html#GUC-PRIMARY-CONNINFO
 * takes effect on reload. Returns when it streams from there.
 */
export async function follow(
  sessions: Sessions,
  cluster: ClusterSpec,
  node: string,
  upstream: string,
  ctx: EffectContext,
): Promise<void> {
  await repoint(sessions, cluster, node, upstream);
  const { host, port } = endpointOf(nodeSpec(cluster, upstream));
  const streams = await waitUntil(
    () =>
      sessions.on(cluster, node, async (client) => {
        const { rowCount } = await client.query(
          "SELECT FROM pg_stat_wal_receiver WHERE sender_host = $1 AND sender_port = $2 AND status = 'streaming'",
          [host, port],
        );
        return rowCount === 1;
      }),
    { timeoutMs: 30_000, pollMs: 50 },
    ctx,
  );
  if (streams) return;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `${node} does not stream from ${upstream}`,
    `Look at the log of ${node}: it says why its WAL receiver does not connect.`,
  );
}

/** Tell a running replica whom to follow, without waiting. Idempotent. */
export async function repoint(
  sessions: Sessions,
  cluster: ClusterSpec,
  node: string,
  upstream: string,
): Promise<void> {
  await sessions.on(cluster, node, async (client) => {
    const { rows } = await client.query<{ conninfo: string; replica: boolean }>(
      "SELECT current_setting('primary_conninfo') AS conninfo, pg_is_in_recovery() AS replica",
    );
    const [row] = rows;
    if (row?.replica !== true) {
      throw new RollgateError(
        'PRIMARY_MOVED',
        `${node} is no replica`,
        'Nothing was changed; observe again.',
      );
    }
    const slot = await primarySlotName(client);
    if (slot !== undefined) await sessions.on(cluster, upstream, (up) => ensureSlot(up, slot));
    const wanted = formatConninfo(
      redirect(parseConninfo(row.conninfo), endpointOf(nodeSpec(cluster, upstream)), node),
    );
    if (sameTarget(row.conninfo, wanted)) return;
    await client.query(`ALTER SYSTEM SET primary_conninfo = ${client.escapeLiteral(wanted)}`);
    await client.query('SELECT pg_reload_conf()');
  });
}

function sameTarget(a: string, b: string): boolean {
  const [left, right] = [parseConninfo(a), parseConninfo(b)];
  return ['host', 'port', 'application_name'].every((key) => left.get(key) === right.get(key));
}

/**
 * Make a stopped node a replica of `upstream`, as `pg_basebackup -R` and `pg_rewind -R` do: standby.signal, and
 * the connection in postgresql.auto.conf. The options of its connection are its own former ones, or else those
 * that the upstream had when it was a replica.
 * https://www.postgresql.org/docs/17/app-pgbasebackup.html
 */
export async function startAsReplica(
  deps: { sessions: Sessions; host: (node: NodeSpec) => Host },
  cluster: ClusterSpec,
  node: string,
  upstream: string,
  ctx: EffectContext,
): Promise<void> {
  const spec = nodeSpec(cluster, node);
  const host = deps.host(spec);
  const bytes = await host.readFile(spec, autoConf, ctx);
  const text = bytes?.toString('utf8') ?? '';
  const donor = await deps.sessions.on(cluster, upstream, async (client) => {
    const { rows } = await client.query<{ conninfo: string; slot: string }>(
      "SELECT current_setting('primary_conninfo') AS conninfo, current_setting('primary_slot_name') AS slot",
    );
    const slot = readSetting(text, 'primary_slot_name') ?? (rows[0]?.slot ? slotOf(node) : undefined);
    if (slot !== undefined && slot !== '') await ensureSlot(client, slot);
    return { conninfo: rows[0]?.conninfo ?? '', slot };
  });
  const own = readSetting(text, 'primary_conninfo') ?? '';
  const base = own === '' ? donor.conninfo : own;
  if (base === '') {
    throw new RollgateError(
      'SYSTEM_REFUSED',
      `neither ${node} nor ${upstream} has ever had a primary_conninfo to take the replication connection from`,
      `Set primary_conninfo on ${upstream} (it is ignored on a primary), then retry.`,
    );
  }
  const conninfo = formatConninfo(
    redirect(parseConninfo(base), endpointOf(nodeSpec(cluster, upstream)), node),
  );
  let changed = writeSetting(text, 'primary_conninfo', conninfo);
  if (donor.slot !== undefined && donor.slot !== '')
    changed = writeSetting(changed, 'primary_slot_name', donor.slot);
  if (changed !== text) await host.writeFile(spec, autoConf, changed, ctx);
  if ((await host.readFile(spec, standbySignal, ctx)) === undefined) {
    await host.writeFile(spec, standbySignal, '', ctx);
  }
}

const lineOf = (name: string): RegExp => new RegExp(`^\\s*${name}\\s*=?\\s*'((?:[^']|'')*)'.*$`, 'gm');

/** The last one counts: https://www.postgresql.org/docs/17/config-setting.html */
function readSetting(text: string, name: string): string | undefined {
  return [...text.matchAll(lineOf(name))].at(-1)?.[1]?.replaceAll("''", "'");
}

function writeSetting(text: string, name: string, value: string): string {
  const rest = text.replaceAll(new RegExp(`${lineOf(name).source}\\n?`, 'gm'), '');
  const separator = rest === '' || rest.endsWith('\n') ? '' : '\n';
  return `${rest}${separator}${name} = '${value.replaceAll("'", "''")}'\n`;
}
