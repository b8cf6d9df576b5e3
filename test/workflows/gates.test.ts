import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GateName } from '../../src/contracts/index.js';
import { MigrationModel } from '../fakes/model-migration.js';
import { Model } from '../fakes/model.js';
import { createHarness, type Harness, type TestRun } from './harness.js';

let harness: Harness;
beforeAll(async () => {
  harness = await createHarness();
});
afterAll(() => harness.close());

interface Case {
  /** Bring the model into a state in which the gate must hold. */
  disturb(model: Model): void;
  /** The effect directly after which it happens; without it, while an approval is waited for. */
  after?: string;
  /** Of the approval; default: before anything has changed. */
  before?: string;
  /** The effect that must not happen while the gate holds. */
  mustNot: string;
  heal(model: Model): void;
  /** A model with levels, from this version to that; default: one without, from 1.0 to 1.1. */
  leveled?: { from: string; to: string };
  /** Of a formation from a standalone; its version is that of `leveled`. */
  forming?: true;
  /** What the failure is called where it does not name the gate. */
  says?: RegExp;
}

/** The same of a gate that only a migration has. */
interface MigratingCase {
  migrating: {
    disturb(model: MigrationModel): void;
    heal(model: MigrationModel): void;
  };
  after: string;
  mustNot: string;
  says?: RegExp;
}

const silence = (id: string) => (model: Model) => void (model.node(id).silent = true);
const speak = (id: string) => (model: Model) => void (model.node(id).silent = false);

const up = { from: '3.5.1', to: '3.6.0' };
const down = { from: '3.6.0', to: '3.5.1' };

const same = { from: '3.6.0', to: '3.6.0' };

/** Every gate holds a run: the compiler asks for a new case with each new gate. */
const cases: Record<Exclude<GateName, 'approval'>, Case | MigratingCase> = {
  'cluster-healthy': { disturb: silence('c'), mustNot: 'drain b', heal: speak('c') },
  'one-primary': {
    disturb: (m) => void (m.node('c').role = 'primary'),
    mustNot: 'drain b',
    heal: (m) => void (m.node('c').role = 'replica'),
  },
  'no-obstacles': {
    disturb: (m) =>
      void (m.obstacles = [
        { code: 'BACKUP', node: 'c', message: 'a backup of c is in progress', remedy: 'Wait.' },
      ]),
    mustNot: 'drain b',
    heal: (m) => void (m.obstacles = []),
  },
  'quorum-without-node': {
    disturb: (m) => void (m.stopSafety.b = { verdict: 'hold', evidence: 'b is needed' }),
    mustNot: 'drain b',
    heal: (m) => void (m.stopSafety = {}),
  },
  'others-in-sync': {
    disturb: (m) => void (m.node('c').inSync = false),
    mustNot: 'drain b',
    heal: (m) => void (m.node('c').inSync = true),
  },
  'version-skew': {
    disturb: (m) => void (m.node('c').version = '1.2'),
    mustNot: 'drain b',
    heal: (m) => void (m.node('c').version = '1.0'),
  },
  'nothing-else-drained': {
    disturb: (m) => void (m.node('c').routed = false),
    mustNot: 'drain b',
    heal: (m) => void (m.node('c').routed = true),
  },
  'artifact-verified': {
    disturb: (m) => void m.brokenArtifacts.add('b/1.1'),
    mustNot: 'drain b',
    heal: (m) => {
      m.brokenArtifacts.clear();
    },
  },
  'in-flight-finished': {
    disturb: (m) => void (m.node('b').oldestTransactionMs = 3_600_000),
    mustNot: 'stop b',
    heal: (m) => void (m.node('b').oldestTransactionMs = 0),
  },
  'lag-zero': {
    disturb: (m) => void (m.node('b').lag = 5),
    mustNot: 'stop b',
    heal: (m) => void (m.node('b').lag = 0),
  },
  'node-healthy': { after: 'start b 1.1', disturb: silence('b'), mustNot: 'restore b', heal: speak('b') },
  'version-reported': {
    after: 'start b 1.1',
    disturb: (m) => void (m.node('b').version = '1.0'),
    mustNot: 'restore b',
    heal: (m) => void (m.node('b').version = '1.1'),
  },
  'caught-up': {
    after: 'start b 1.1',
    disturb: (m) => void (m.node('b').lag = 7),
    mustNot: 'restore b',
    heal: (m) => void (m.node('b').lag = 0),
  },
  'canary-replicated': {
    after: 'start b 1.1',
    disturb: (m) => void m.deaf.add('b'),
    mustNot: 'restore b',
    heal: (m) => {
      m.deaf.clear();
    },
  },
  'soak-held': {
    after: 'restore b',
    disturb: (m) => void (m.node('b').inSync = false),
    mustNot: 'drain c',
    heal: (m) => void (m.node('b').inSync = true),
  },
  'candidate-in-sync': {
    after: 'restore c',
    disturb: (m) => {
      m.node('b').lag = m.node('c').lag = 20_000_000;
    },
    mustNot: 'fence a',
    heal: (m) => {
      m.node('b').lag = m.node('c').lag = 0;
    },
  },
  'candidate-at-fence': {
    after: 'restore c',
    disturb: (m) => void (m.stuckCandidates = true),
    mustNot: 'promote b',
    heal: (m) => void (m.stuckCandidates = false),
    says: /CANDIDATE_BEHIND/,
  },
  'epoch-grew': {
    after: 'promote b',
    disturb: (m) => void (m.epoch = 1),
    mustNot: 'install a 1.1',
    heal: (m) => void (m.epoch = 2),
  },
  'replicas-follow': {
    after: 'promote b',
    disturb: (m) => void (m.node('c').upstream = 'a'),
    mustNot: 'install a 1.1',
    heal: (m) => void (m.node('c').upstream = 'b'),
  },
  'all-on-target': {
    before: 'finish',
    // Somebody puts the former version back on a node that was done.
    disturb: (m) => void (m.node('c').version = m.node('c').installed = '1.0'),
    mustNot: 'drop scratch',
    // The run itself does, when it observes again.
    heal: () => undefined,
  },
  'copies-identical': {
    leveled: up,
    disturb: (m) => void (m.level.copies = { verdict: 'hold', observed: 'c differs from a and b' }),
    mustNot: 'backup before-start',
    heal: (m) => void (m.level.copies = { verdict: 'pass', observed: 'all copies are equal' }),
  },
  'backup-verified': {
    leveled: up,
    disturb: (m) => void (m.level.brokenBackup = 'what was restored has another hash'),
    mustNot: 'scratch',
    heal: (m) => void (m.level.brokenBackup = undefined),
    says: /BACKUP_UNVERIFIED what was restored has another hash/,
  },
  'node-level': {
    leveled: down,
    disturb: (m) => void m.level.stuck.add('b'),
    mustNot: 'drain b',
    heal: (m) => {
      m.level.stuck.clear();
    },
  },
  'level-active': {
    leveled: up,
    disturb: (m) => void (m.level.held = true),
    mustNot: 'drop scratch',
    heal: (m) => void (m.level.held = false),
  },
  'learner-caught-up': {
    ...{ leveled: same, forming: true, after: 'start b 3.6.0' },
    disturb: (m) => void (m.node('b').lag = 500),
    mustNot: 'vote b',
    heal: (m) => void (m.node('b').lag = 0),
  },
  'seed-verified': {
    ...{ leveled: same, forming: true },
    disturb: (m) => void (m.member.seedVerdict = { verdict: 'hold', observed: 'hash 8' }),
    mustNot: 'finalize a',
    heal: (m) => void (m.member.seedVerdict = { verdict: 'pass', observed: 'hash 7' }),
  },
  'copies-equal': {
    migrating: {
      disturb: (m) => {
        m.copies.corrupt('destination', 'customers', 1, 'other');
      },
      heal: (m) => {
        m.copies.corrupt('destination', 'customers', 1, 'first 1');
      },
    },
    after: 'finish schema',
    mustNot: 'stream forward',
    says: /COPIES_DIFFER .*customers differ/,
  },
  'definitions-equal': {
    migrating: {
      disturb: (m) => void (m.definitions = ['the index orders_at is only on the source']),
      heal: (m) => void (m.definitions = []),
    },
    after: 'stream forward',
    mustNot: 'stream back',
    says: /COPIES_DIFFER .*orders_at/,
  },
  'stream-caught-up': {
    migrating: {
      disturb: (m) => void (m.copies.streams.back.stalled = true),
      heal: (m) => void (m.copies.streams.back.stalled = false),
    },
    after: 'stream back',
    mustNot: 'fence source',
  },
};

/** `then` is called directly after the first effect of this name. */
function onceAfter(effects: string[], effect: string, then: () => void): void {
  let happened = false;
  const push = effects.push.bind(effects);
  effects.push = (...items: string[]) => {
    const length = push(...items);
    if (!happened && items.includes(effect)) {
      happened = true;
      then();
    }
    return length;
  };
}

async function holdsAndHeals(
  run: TestRun,
  name: string,
  test: { mustNot: string; says?: RegExp; heal(): void; effects: readonly string[] },
): Promise<void> {
  const blocked = await run.until('blocked', (s) => s.phase === 'blocked');
  expect(test.effects).not.toContain(test.mustNot);
  expect(`${blocked.failure?.code ?? ''} ${blocked.failure?.message ?? ''}`).toMatch(
    test.says ?? new RegExp(name),
  );
  test.heal();
  await run.update('retry');
  const state = await run.result();
  expect(state.failure).toBeUndefined();
  expect(state.run.outcome).toBe('completed');
}

async function migrate(name: string, { migrating, after, ...test }: MigratingCase): Promise<void> {
  const model = new MigrationModel();
  onceAfter(model.effects, after, () => {
    migrating.disturb(model);
  });
  const run = await harness.migrate(model, { timeouts: { gate: '800ms' } });
  const heal = (): void => {
    migrating.heal(model);
  };
  await holdsAndHeals(run, name, { ...test, effects: model.effects, heal });
}

describe('R-ROLL-3: every gate holds a run', () => {
  it.concurrent.each(Object.entries(cases))('%s', async (name, test) => {
    if ('migrating' in test) return migrate(name, test);
    const { from, to } = test.leveled ?? { from: '1.0', to: '1.1' };
    const model = new Model(from, undefined, {
      levels: test.leveled !== undefined,
      standalone: test.forming === true,
    });
    const common = {
      soak: name === 'soak-held' ? '200ms' : '0ms',
      approvals: { before: [test.before ?? 'start'] },
      timeouts: { gate: '800ms', drain: '800ms', rejoin: '800ms', start: '800ms', handover: '1500ms' },
    };
    const run =
      test.forming === true
        ? await harness.form(model, common)
        : await harness.start(model, { to, switch: { approval: false }, ...common });
    const asked = await run.until('waits', (s) => s.waiting !== undefined);
    if (test.after === undefined) test.disturb(model);
    else {
      onceAfter(model.effects, test.after, () => {
        test.disturb(model);
      });
    }
    await run.update('approve', { planHash: asked.plan?.hash });
    const heal = (): void => {
      test.heal(model);
    };
    await holdsAndHeals(run, name, { ...test, effects: model.effects, heal });
    expect(model.nodes.map((n) => n.version)).toEqual([to, to, to]);
  });
});

describe.concurrent('R-ROLL-3: what is not known never passes', () => {
  it('an observation that fails holds every gate', async () => {
    const model = new Model();
    const run = await harness.start(model, {
      approvals: { before: ['handover'] },
      timeouts: { gate: '800ms' },
    });
    const state = await run.until('waits', (s) => s.waiting !== undefined);
    model.observeFailure = 'no route to any node';
    await run.update('approve', { planHash: state.plan?.hash });
    await run.until('blocked', (s) => s.phase === 'blocked');
    expect(model.effects).not.toContain('fence a');
    model.observeFailure = undefined;
    await run.update('retry');
    expect((await run.result()).run.outcome).toBe('completed');
  });

  it('a stale observation holds', async () => {
    const model = new Model();
    const run = await harness.start(model, {
      approvals: { before: ['handover'] },
      maxObservationAge: '1s',
      timeouts: { gate: '800ms' },
    });
    const state = await run.until('waits', (s) => s.waiting !== undefined);
    model.observedAtSkewMs = -60_000;
    await run.update('approve', { planHash: state.plan?.hash });
    const blocked = await run.until('blocked', (s) => s.phase === 'blocked');
    expect(blocked.failure?.message).toContain('unknown');
    expect(model.effects).not.toContain('fence a');
    model.observedAtSkewMs = 0;
    await run.update('retry');
    expect((await run.result()).run.outcome).toBe('completed');
  });
});
