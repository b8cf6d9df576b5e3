import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Pair, RunState, Side } from '../../src/contracts/index.js';
import type { Link } from '../../src/dev/network-cut.js';
import type { SampleCluster } from '../../src/dev/postgres/sample-cluster.js';
import { until } from '../../src/dev/postgres/until.js';
import { judgeMigration, type MigrationEnd } from '../../src/dev/scenario/crash/migration.js';
import {
  runMigrationScenario,
  type MigrationSample,
  type MigrationScenario,
} from '../../src/dev/scenario/migration.js';
import type { ScenarioContext, ScenarioResult } from '../../src/dev/scenario/run.js';
import {
  fence,
  type FenceOptions,
  type FenceStep,
} from '../../src/systems/postgres/migration/switch/fence.js';
import { createCut } from '../../src/systems/postgres/migration/validation/cut.js';
import { logIns, twoSides, type TwoSides } from '../systems/postgres/migration/switch/two-sides.js';
import { behindLink, cutOff, cutOffAt, writeDirectly, type DirectWriter } from './support/cut-off.js';

const patience = { timeout: 400_000 };

describe.concurrent('R-SAGA-1: the network is away for 30 s in a phase, and the end is the same', () => {
  it('exporting, bootstrapping and validating the export', patience, async () => {
    const { state } = await runBehindLinks({
      during: async ({ until }, { source, destination }) => {
        // The slot is made, and nobody is told so.
        await cutOffAt({ through: source, texts: ['CREATE_REPLICATION_SLOT'] }, { links: [source] });
        await cutOffAt(
          { through: destination, texts: ['FROM STDIN'] },
          { links: [destination], forgotten: true },
        );
        await cutOffAt(
          { through: destination, texts: ['record_send'] },
          { links: [source, destination], kind: 'reset' },
        );
        await until(
          'it flows',
          (s) => s.migration?.phases.some((p) => p.phase === 'validating-cutover') === true,
        );
      },
    });
    expect(phasesOf(state)).toEqual(theWay);
  });

  it('dual-writing, validating before the cutover and waiting for its approval', patience, async () => {
    const { state } = await runBehindLinks({
      migration: { cutover: { approval: true, maxWritePause: '2s' } },
      during: async ({ until, handle }, { source, destination }, writer) => {
        await cutOffAt(
          { through: destination, texts: ['CREATE SUBSCRIPTION'] },
          { links: [source], forgotten: true },
        );
        await cutOffAt({ through: source, texts: ['IN SHARE MODE'] }, { links: [destination] }, () =>
          writer.writesOn('A takes writes while B is away and a cut is being made'),
        );
        const { plan } = await until('the cutover waits', (s) => s.waiting?.step === 'cutover');
        await cutOff({ links: [source, destination] });
        await handle.approve({ by: 'the test', planHash: plan?.hash });
      },
    });
    expect(phasesOf(state)).toEqual(theWay);
  });

  it('the fence, the opening, observing, and the fence of the cut-back', patience, async () => {
    const { state } = await runBehindLinks({
      migration: { cutover: { approval: false, maxWritePause: '2s' }, observe: { for: '1h' } },
      during: async ({ until, handle }, { source, destination }, writer) => {
        await cutOffAt({ through: source, texts: ['NOLOGIN'] }, { links: [destination] }, () =>
          writer.writesOn('A takes writes again while B is away and the fence was being made'),
        );
        // B is open, and nobody is told so.
        await cutOffAt(
          { through: destination, texts: ['opened/destination', 'COMMIT'] },
          { links: [destination], forgotten: true },
        );
        await until('B is observed', (s) => s.migration?.validations.at(-1)?.cut === 'cutover-1');
        await cutOff({ links: [source], forgotten: true });
        await handle.rollback({ by: 'the test' });
        await cutOffAt({ through: destination, texts: ['NOLOGIN'] }, { links: [source], forgotten: true });
        await until('the writes are back', (s) => s.waiting?.step === 'cutover/2');
        await writer.writesOn('A takes writes');
        await handle.rollback({ by: 'the test' });
      },
      end: { outcome: 'rolled-back', switches: 2, open: 'source' },
    });
    expect(state.migration?.phase).toBe('discarded');
  });
});

const theWay = [
  ...['preflight', 'exporting', 'bootstrapping', 'validating-export', 'dual-writing', 'validating-cutover'],
  ...['awaiting-approval', 'cutting-over', 'observing', 'accepted'],
];
const phasesOf = (state: RunState): readonly string[] | undefined =>
  state.migration?.phases.map((p) => p.phase);

interface Links {
  readonly source: Link;
  readonly destination: Link;
}

/** A migration whose every session and stream goes through links, and a client of A that goes past them. */
async function runBehindLinks({
  during,
  end = { outcome: 'completed', switches: 1, open: 'destination' },
  migration = {},
}: {
  during: (context: ScenarioContext<MigrationSample>, links: Links, writer: DirectWriter) => Promise<void>;
  end?: MigrationEnd;
  migration?: MigrationScenario['migration'];
}): Promise<ScenarioResult> {
  const made: Link[] = [];
  const objections: string[] = [];
  try {
    const result = await runMigrationScenario({
      migration,
      given: async (cluster) => {
        const behind = await behindLink(cluster);
        made.push(behind.link);
        return behind.cluster;
      },
      during: async (context) => {
        const [source, destination] = made;
        if (!source || !destination) throw new Error('there are no links');
        const { pair } = context.sample;
        const writer = writeDirectly(
          () => logIn(pair.source, 'shop_app', 'app'),
          "INSERT INTO shop.customer (name) VALUES ('direct ' || $1::int)",
        );
        await writer.writesOn('A takes writes before');
        let acknowledged: readonly number[];
        try {
          await Promise.race([during(context, { source, destination }, writer), blocked(context)]);
          await context.until('the run has ended', (s) => s.run.outcome !== 'running');
        } finally {
          acknowledged = await writer.stop();
        }
        objections.push(...(await missing(pair[end.open], acknowledged)));
      },
      after: async (context, ended) => {
        objections.push(...(await judgeMigration(end, context, ended)));
      },
    });
    expect(objections).toEqual([]);
    return result;
  } finally {
    await Promise.all(made.map((link) => link.close()));
  }
}

/** No cut may need somebody who looks after the run. */
async function blocked({ until }: ScenarioContext<MigrationSample>): Promise<never> {
  const { failure } = await until(
    'it is blocked',
    (s) => s.phase === 'blocked' || s.run.outcome !== 'running',
  );
  throw new Error(`the run is blocked or has ended: ${failure?.code ?? ''} ${failure?.message ?? ''}`);
}

async function logIn(sample: SampleCluster, user: string, password: string): Promise<Client> {
  const client = new Client({ ...sample.connection(sample.cluster.nodes[0]?.id ?? ''), user, password });
  // Its next statement fails by it.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Writes of the direct client that were acknowledged and are not there. */
async function missing(sample: SampleCluster, acknowledged: readonly number[]): Promise<string[]> {
  const { user, password } = sample.connection(sample.cluster.nodes[0]?.id ?? '');
  const client = await logIn(sample, user, password);
  try {
    const { rows } = await client.query<{ name: string }>(
      `SELECT 'lost: direct ' || n AS name FROM unnest($1::int[]) AS n
        WHERE NOT EXISTS (SELECT FROM shop.customer c WHERE c.name = 'direct ' || n)`,
      [acknowledged],
    );
    return rows.map((row) => row.name);
  } finally {
    await client.end();
  }
}

describe.concurrent('R-MIG-1: writers on A do not wait for a network that is cut while they are held', () => {
  let two: TwoSides;
  let links: Links;
  let pair: Pair;
  beforeAll(async () => {
    two = await twoSides();
    await two.exported();
    const [source, destination] = [await behindLink(two.pair.source), await behindLink(two.pair.destination)];
    links = { source: source.link, destination: destination.link };
    pair = { source: source.cluster, destination: destination.cluster };
    await two.stream.startStream(pair, 'forward', { synchronous: false }, two.ctx);
  });
  afterAll(async () => {
    await Promise.all([links.source.close(), links.destination.close()]);
    await two.destroy();
  });

  const writing = (): DirectWriter =>
    writeDirectly(
      () => two.login('source', 'app'),
      "INSERT INTO orders (writer, seq, ticket) VALUES (1, $1, nextval('tickets'))",
    );
  const limits = { maxWritePauseMs: 2000, timeoutMs: 30_000 };
  const close = (options: Pick<FenceOptions, 'maxWritePauseMs' | 'onStep'>) =>
    fence(two.sessions, pair, 'forward', { ...limits, ...options }, two.ctx);

  it.for([
    ['destination', 'locked'],
    ['destination', 'closed'],
    ['destination', 'gone'],
    ['source', 'locked'],
    ['source', 'closed'],
    ['source', 'gone'],
    ['source', 'applied'],
  ] as const satisfies (readonly [Side, FenceStep])[])(
    'a fence, and the %s falls silent after "%s"',
    { concurrent: false },
    async ([side, at]) => {
      const before = await logIns(two, 'source');
      const writer = writing();
      await writer.writesOn('it writes before');
      let isCut = false;
      const onStep = (step: FenceStep): Promise<void> => {
        if (step !== at) return Promise.resolve();
        links[side].cut();
        isCut = true;
        return Promise.resolve();
      };
      const made = close({ maxWritePauseMs: limits.maxWritePauseMs, onStep });
      const failed = expect(made).rejects.toMatchObject({ code: 'SYSTEM_UNREACHABLE' });
      await until('it is cut', () => Promise.resolve(isCut));
      // The network is as it was cut: whoever waits for it waits for ever.
      await writer.writesOn('writers go on while the network is cut');
      // A call that finds both sides answering again says that it was late, and is not repeated by itself.
      if (side === 'destination') await failed;
      links[side].mend({ reset: true });
      await failed;
      await two.change.unfence(pair, 'forward', two.ctx);
      await writer.writesOn('it writes afterwards');
      await writer.stop();
      expect(await logIns(two, 'source')).toEqual(before);
      // What the attempt has left is in nobody's way.
      const proof = await close({ maxWritePauseMs: 30_000 });
      expect(proof.applied).toBe(true);
      await two.change.unfence(pair, 'forward', two.ctx);
    },
  );

  it.for(['source', 'destination'] as const)(
    'a cut, and the %s falls silent in the middle',
    { concurrent: false },
    async (side) => {
      const { cut, releaseCut } = createCut({ sessions: two.sessions });
      const writer = writing();
      await writer.writesOn('it writes before');
      let isCut = false;
      links.source.whenPassed('IN SHARE MODE', () => {
        links[side].cut();
        isCut = true;
      });
      const options = { name: 'silent', direction: 'forward', ...limits, timeoutMs: 10_000 } as const;
      const failed = expect(cut(pair, options, two.ctx)).rejects.toThrow();
      await until('it is cut', () => Promise.resolve(isCut));
      await writer.writesOn('writers go on while the network is cut');
      links[side].mend({ reset: true });
      await failed;
      await writer.stop();
      const made = await cut(pair, { ...options, name: 'again', timeoutMs: 20_000 }, two.ctx);
      expect(made.name).toBe('again');
      await releaseCut(pair, made, two.ctx);
    },
  );
});
