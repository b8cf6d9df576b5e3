import { Client } from 'pg';
import type { Outcome, Side } from '../../../contracts/index.js';
import { createLocalHost } from '../../../hosts/local/host.js';
import { sampleContext, sampleLaunch, type SampleCluster } from '../../postgres/sample-cluster.js';
import { runMigrationScenario, type MigrationSample, type MigrationScenario } from '../migration.js';
import type { ScenarioContext, ScenarioResult } from '../run.js';
import type { CrashScenario } from './scenario.js';

/** Storage migrations of a real PostgreSQL. */
export const migrationCrashes = (): Record<string, CrashScenario> =>
  Object.fromEntries(
    Object.entries(crashes).map(([name, crash]) => [
      name,
      {
        title: crash.title,
        activities: crash.activities,
        run: async (faults) => {
          const objections: string[] = [];
          const result = await runMigrationScenario({
            ...crash.scenario,
            faults,
            after: async (context, ended) => {
              objections.push(...(await judgeMigration(crash, context, ended)));
            },
          });
          return { result, objections };
        },
      },
    ]),
  );

interface MigrationCrash extends MigrationEnd {
  readonly title: string;
  readonly activities: CrashScenario['activities'];
  readonly scenario: MigrationScenario;
}

/** How a migration has to end, whatever has happened on its way. */
export interface MigrationEnd {
  readonly outcome: Outcome;
  /** How often the writes have moved. */
  readonly switches: number;
  /** Who lets the shop's own role in at the end. */
  readonly open: Side;
  /** B is gone at the end. */
  readonly lost?: true;
}

const crashes: Readonly<Record<string, MigrationCrash>> = {
  migration: {
    title: 'a migration that is cut over, cut back, cut over again and accepted',
    activities: [
      'createScratch',
      'prepareMigration',
      'startProbe',
      'exportSource',
      'createSchema',
      'copyRanges',
      'finishSchema',
      'makeCut',
      'releaseCut',
      'startStream',
      'borrowSetting',
      'fenceSide',
      'openSide',
      'stopStream',
      'giveBackSetting',
      'acceptMigration',
      'stopProbe',
      'dropScratch',
      'writeReport',
    ],
    scenario: {
      migration: { observe: { for: '1s', acceptance: true } },
      during: async ({ until, handle }) => {
        const decide = async (step: string) => {
          const { plan } = await until(`${step} waits`, (s) => s.waiting?.step === step);
          return { by: 'the test', step, planHash: plan?.hash };
        };
        await decide('accept');
        await handle.rollback({ by: 'the test', reason: 'to cut back' });
        await handle.approve(await decide('cutover/2'));
        await handle.approve(await decide('accept'));
      },
    },
    outcome: 'completed',
    switches: 3,
    open: 'destination',
  },
  'migration-discarded': {
    title: 'a migration whose fence comes too late for a writer, and that is discarded then',
    activities: ['unfenceSide', 'discardMigration'],
    scenario: {
      migration: { cutover: { approval: true }, timeouts: { handover: '2s' } },
      during: async ({ until, handle, sample }) => {
        const { plan } = await until('the cutover waits', (s) => s.waiting?.step === 'cutover');
        const release = await writeForLong(sample.pair.source);
        try {
          await handle.approve({ by: 'the test', planHash: plan?.hash });
          await until('the fence has been given up', (s) => s.phase === 'blocked');
        } finally {
          await release();
        }
        await handle.rollback({ by: 'the test' });
      },
    },
    outcome: 'rolled-back',
    switches: 0,
    open: 'source',
  },
  'migration-survivor': {
    title: 'a migration whose destination is lost for good while it takes the writes',
    activities: ['openSurvivor'],
    scenario: {
      migration: { observe: { for: '1s', acceptance: true } },
      during: async ({ until, handle, sample }) => {
        await until('the acceptance waits', (s) => s.waiting?.step === 'accept');
        // Values that A's own sequence has not given.
        await insertCustomers(sample.pair.destination, 5);
        await loseDestination(sample);
        await handle.rollback({ by: 'the test', reason: 'it is gone' });
        await until('it cannot be reached', (s) => s.phase === 'blocked');
        await handle.skip({ by: 'the test', reason: 'its disks are gone' });
      },
    },
    outcome: 'rolled-back',
    switches: 1,
    open: 'source',
    lost: true,
  },
};

/** Their ids come from the sequence of the side; one that is there already is refused by the key. */
async function insertCustomers(sample: SampleCluster, count: number): Promise<void> {
  const client = await connect(sample);
  try {
    await client.query("INSERT INTO shop.customer (name) SELECT 'new ' || i FROM generate_series(1, $1) i", [
      count,
    ]);
  } finally {
    await client.end();
  }
}

/** The process of the only node of B is killed, and nothing starts it again. */
async function loseDestination({ pair }: MigrationSample): Promise<void> {
  const [node] = pair.destination.cluster.nodes;
  if (!node) return;
  const host = createLocalHost();
  const status = await host.status(node, sampleLaunch(node), sampleContext);
  if (status.kind === 'running') process.kill(status.pid, 'SIGKILL');
}

/** A transaction that has written and does not end, until it is released. */
async function writeForLong(sample: SampleCluster): Promise<() => Promise<void>> {
  const client = await connect(sample);
  await client.query("BEGIN; UPDATE shop.customer SET name = name || ' of old'");
  return async () => {
    await client.query('ROLLBACK');
    await client.end();
  };
}

async function connect(sample: SampleCluster): Promise<Client> {
  const [first] = sample.cluster.nodes;
  const client = new Client(sample.connection(first?.id ?? ''));
  await client.connect();
  return client;
}

/** What is not as it must be after a run with the rows of the sample; nothing when all is well. */
export async function judgeMigration(
  crash: MigrationEnd,
  { sample }: ScenarioContext<MigrationSample>,
  { state }: ScenarioResult,
): Promise<string[]> {
  const objections: string[] = [];
  const expect = (what: string, seen: unknown, wanted: unknown): void => {
    if (JSON.stringify(seen) !== JSON.stringify(wanted)) {
      objections.push(`${what}: ${JSON.stringify(seen)} instead of ${JSON.stringify(wanted)}`);
    }
  };
  expect('outcome', state.run.outcome, crash.outcome);
  expect('lost writes', state.writes?.lost, 0);
  if ((state.writes?.acknowledged ?? 0) === 0) objections.push('no write was acknowledged');
  expect('borrowed at the end', state.ledger, []);
  // A sequence without a column is not known to A alone.
  expect(
    'left undone',
    state.leftUndone.map((l) => l.what.split(' ', 1)[0]),
    crash.lost ? ['shop.receipt'] : [],
  );
  const moved = state.migration?.switches.filter((s) => s.result === 'done') ?? [];
  expect('switches', moved.length, crash.switches);
  expect(
    'mismatches',
    state.migration?.validations.map((v) => v.mismatches).filter((n) => n > 0),
    [],
  );
  const source = await look(sample.pair.source);
  expect('of ours on the source', source.ours, []);
  expect('the source lets clients in', source.open, crash.open === 'source');
  expect('the source holds its data', source.rows, rows);
  if (crash.lost) {
    await insertCustomers(sample.pair.source, 40);
    return objections;
  }
  const destination = await look(sample.pair.destination);
  expect('of ours on the destination', destination.ours, []);
  if (crash.open === 'destination') {
    expect('the destination lets clients in', destination.open, true);
    expect('both hold the same', destination, { ...source, open: true });
  } else {
    expect('the destination is empty', destination, {
      open: undefined,
      ours: [],
      rows: 0,
      digest: undefined,
    });
  }
  return objections;
}

const rows = 2000;

interface Look {
  /** Whether the shop's role may log in; `undefined`: there is none. */
  readonly open: boolean | undefined;
  readonly ours: readonly string[];
  readonly rows: number;
  readonly digest: string | undefined;
}

async function look(sample: SampleCluster): Promise<Look> {
  const client = await connect(sample);
  try {
    const role = await client.query<{ open: boolean }>(
      "SELECT rolcanlogin AS open FROM pg_roles WHERE rolname = 'shop_app'",
    );
    const ours = await client.query<{ name: string }>(
      `SELECT 'publication ' || pubname AS name FROM pg_publication
       UNION ALL SELECT 'slot ' || slot_name FROM pg_replication_slots
       UNION ALL SELECT 'subscription ' || subname FROM pg_subscription
       UNION ALL SELECT 'event trigger ' || evtname FROM pg_event_trigger
       UNION ALL SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname LIKE 'rollgate%'
       UNION ALL SELECT 'role ' || rolname FROM pg_roles WHERE rolname LIKE 'rollgate\\_%'
       UNION ALL SELECT 'session ' || application_name FROM pg_stat_activity WHERE application_name LIKE 'rollgate hold%'
       UNION ALL SELECT 'setting ' || name FROM pg_settings WHERE name = 'synchronous_standby_names' AND setting <> ''
       ORDER BY 1`,
    );
    const there = await client.query<{ there: boolean }>(
      "SELECT to_regclass('shop.orders') IS NOT NULL AS there",
    );
    if (there.rows[0]?.there !== true) {
      return { open: role.rows[0]?.open, ours: ours.rows.map((r) => r.name), rows: 0, digest: undefined };
    }
    const data = await client.query<{ rows: number; digest: string }>(
      `SELECT (SELECT count(*) FROM shop.orders)::int AS rows, md5(string_agg(line, chr(10) ORDER BY line)) AS digest
         FROM (SELECT o::text AS line FROM shop.orders o UNION ALL SELECT c::text FROM shop.customer c
               UNION ALL SELECT e::text FROM shop.event e UNION ALL SELECT l::text FROM shop.log l) x`,
    );
    return {
      open: role.rows[0]?.open,
      ours: ours.rows.map((r) => r.name),
      rows: data.rows[0]?.rows ?? 0,
      digest: data.rows[0]?.digest,
    };
  } finally {
    await client.end();
  }
}
