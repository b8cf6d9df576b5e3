import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { nodeSpec } from '../../contracts/index.js';
import { createLocalHost } from '../../hosts/local/host.js';
import { slotOf } from '../postgres/configuration.js';
import { sampleContext, sampleLaunch, type SampleCluster } from '../postgres/sample-cluster.js';

/**
 * What an operator's script does, without any check: the measure for what ours costs. It uses the same way of
 * stopping and starting processes, so that only the procedure differs.
 */
const host = createLocalHost();

async function on<T>(sample: SampleCluster, node: string, body: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(sample.connection(node));
  client.on('error', (error) => {
    console.error(`${node}: ${error.message}`);
  });
  await client.connect();
  try {
    return await body(client);
  } finally {
    await client.end();
  }
}

/** Checkpoint, fast stop, `pg_promote`, re-point the others. */
export async function plainHandover(sample: SampleCluster, from: string, to: string): Promise<void> {
  const others = sample.cluster.nodes.map((n) => n.id).filter((id) => id !== from && id !== to);
  await on(sample, to, async (client) => {
    for (const node of sample.cluster.nodes.filter((n) => n.id !== to)) {
      await client.query(
        'SELECT pg_create_physical_replication_slot($1, true) WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1::text)',
        [slotOf(node.id)],
      );
    }
  });
  await on(sample, from, (client) => client.query('CHECKPOINT'));
  const spec = nodeSpec(sample.cluster, from);
  await host.stop(spec, sampleLaunch(spec), { timeoutMs: 60_000, pollMs: 20 }, sampleContext);
  await on(sample, to, (client) => client.query('SELECT pg_promote(true)'));
  for (const other of others) await repoint(sample, other, to);
}

async function repoint(sample: SampleCluster, node: string, to: string): Promise<void> {
  const { port } = sample.connection(to);
  await on(sample, node, async (client) => {
    const { rows } = await client.query<{ conninfo: string }>(
      "SELECT current_setting('primary_conninfo') AS conninfo",
    );
    const changed = (rows[0]?.conninfo ?? '').replace(/port\s*=\s*'?\d+'?/, `port=${port}`);
    await client.query(`ALTER SYSTEM SET primary_conninfo = ${client.escapeLiteral(changed)}`);
    await client.query('SELECT pg_reload_conf()');
  });
}

/** Replicas first, the handover, the old primary last: the whole roll as a script. */
export async function plainRoll(sample: SampleCluster, version: string): Promise<void> {
  for (const id of ['pg-2', 'pg-3']) {
    await swap(sample, id, version);
    await streaming(sample, 'pg-1', 2);
  }
  await plainHandover(sample, 'pg-1', 'pg-2');
  const spec = nodeSpec(sample.cluster, 'pg-1');
  const conninfo = await on(sample, 'pg-3', async (client) => {
    const { rows } = await client.query<{ conninfo: string }>(
      "SELECT current_setting('primary_conninfo') AS conninfo",
    );
    return (rows[0]?.conninfo ?? '').replace('pg-3', 'pg-1');
  });
  const file = 'postgresql.auto.conf';
  const before = (await host.readFile(spec, file, sampleContext))?.toString() ?? '';
  await host.writeFile(
    spec,
    file,
    `${before}primary_conninfo = '${conninfo.replaceAll("'", "''")}'\n`,
    sampleContext,
  );
  await host.writeFile(spec, 'standby.signal', '', sampleContext);
  await swap(sample, 'pg-1', version);
  await streaming(sample, 'pg-2', 2);
}

async function swap(sample: SampleCluster, id: string, version: string): Promise<void> {
  const spec = nodeSpec(sample.cluster, id);
  const launch = sampleLaunch(spec);
  const artifact = sample.cluster.artifacts[version];
  if (!artifact) throw new Error(`no artifact of ${version}`);
  await host.stop(spec, launch, { timeoutMs: 60_000, pollMs: 20 }, sampleContext);
  await host.install(spec, version, artifact, launch, sampleContext);
  await host.start(spec, launch, sampleContext);
}

async function streaming(sample: SampleCluster, primary: string, count: number): Promise<void> {
  for (;;) {
    const seen = await on(sample, primary, async (client) => {
      const { rows } = await client.query<{ n: number }>(
        "SELECT count(*)::int AS n FROM pg_stat_replication WHERE state = 'streaming' AND replay_lsn = sent_lsn",
      );
      return rows[0]?.n ?? 0;
    });
    if (seen >= count) return;
    await delay(50);
  }
}
