import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RollgateError, type RunState } from '../../src/contracts/index.js';
import { Model } from '../fakes/model.js';
import { createHarness, type Harness, type TestRun } from './harness.js';

let harness: Harness;
beforeAll(async () => {
  harness = await createHarness();
});
afterAll(() => harness.close());

const [low, high] = ['3.5.1', '3.6.0'];
const leveled = (version = low): Model => new Model(version, undefined, { levels: true });
const up = { to: high };
const down = { to: low };
const unasked = { switch: { approval: false } };

/** Effects without our own objects. */
const effects = (model: Model): string[] => model.effects.filter((e) => !/scratch|probe/.test(e));
const versions = (model: Model): string[] => model.nodes.map((n) => n.version);
const replaced = (id: string, version: string): string[] => [
  ...[`drain ${id}`, `stop ${id}`, `install ${id} ${version}`],
  ...[`start ${id} ${version}`, `restore ${id}`],
];

const asked = (run: TestRun, step: string): Promise<RunState> =>
  run.until(`waits for ${step}`, (s) => s.waiting?.step === step);

async function approve(run: TestRun, step: string): Promise<RunState> {
  const state = await asked(run, step);
  await run.update('approve', { planHash: state.plan?.hash, by: 'ann' });
  return state;
}
const blocked = (run: TestRun): Promise<RunState> => run.until('blocked', (s) => s.phase === 'blocked');

/** A downgrade that somebody has begun and left: b and c are on the lower series, a is not. */
function halfDown(): Model {
  const model = leveled(high);
  for (const id of ['b', 'c']) model.node(id).version = model.node(id).installed = low;
  model.level.active = model.level.lowering = '3.5';
  return model;
}

describe.concurrent('R-SWITCH: a system that raises its level with its last node', () => {
  it('R-SWITCH-4: replicas, transfer, approval, last node; then every node is on the level', async () => {
    const model = leveled();
    const run = await harness.start(model, up);
    const waits = await asked(run, 'switch/default');
    const before = ['backup before-start', ...replaced('b', high), ...replaced('c', high), 'transfer a b'];
    expect(effects(model)).toEqual(before);
    expect(model.level.active).toBe('3.5');
    // R-SWITCH-1: each predicate with what was seen when it became true.
    expect(waits.switches).toHaveLength(1);
    expect(waits.switches[0]).toMatchObject({
      ...{ group: 'default', from: '3.5', to: '3.6', how: 'by-last-node' },
      predicates: [
        { name: 'cluster-healthy', observed: 'a, b, c answer and serve' },
        { name: 'one-primary', observed: 'b is the only primary' },
        { name: 'no-obstacles', observed: 'nothing on a, b, c forbids the run' },
        { name: 'all-on-target', observed: 'b, c report their target version' },
      ],
    });
    expect(waits.switches[0]?.clearedAt).toBeUndefined();
    await approve(run, 'switch/default');
    const state = await run.result();
    expect(state.failure).toBeUndefined();
    expect(state.run.outcome).toBe('completed');
    // Saved after the approval, which may come a day after it was asked for.
    expect(effects(model)).toEqual([...before, 'backup before-level-3.6', ...replaced('a', high)]);
    expect(model.level.active).toBe('3.6');
    // R-SWITCH-2: asked of every node.
    expect(state.switches).toMatchObject([{ nodesAtLevel: ['a', 'b', 'c'] }]);
    expect(Date.parse(state.switches[0]?.at ?? '')).toBeGreaterThanOrEqual(
      Date.parse(state.switches[0]?.clearedAt ?? ''),
    );
    expect(state.backups.map((b) => b.name)).toEqual(['before-start', 'before-level-3.6']);
    expect(state.steps.map((s) => s.id)).toEqual([
      ...['prepare', 'replace/b', 'replace/c', 'handover/default'],
      ...['switch/default', 'replace/a', 'finish'],
    ]);
  });

  it('R-ROLL-7: the former primary goes on as a replica and is stopped only as one', async () => {
    const model = leveled();
    const roles: string[] = [];
    model.onEffect = (e) => {
      if (e === 'stop a') roles.push(model.node('a').role, model.primary?.id ?? '');
    };
    const state = await (await harness.start(model, { ...up, ...unasked })).result();
    expect(state.run.outcome).toBe('completed');
    expect(roles).toEqual(['replica', 'b']);
    expect(state.handovers).toMatchObject([
      { from: 'a', to: 'b', epochBefore: 1, epochAfter: 2, result: 'done' },
    ]);
    expect(state.handovers[0]?.fencedAt).toBeUndefined();
  });

  it('R-SAGA-3: the approval needs the hash of the plan', async () => {
    const model = leveled();
    const run = await harness.start(model, up);
    await asked(run, 'switch/default');
    await expect(run.update('approve', { by: 'ann' })).rejects.toThrow();
    await expect(run.update('approve', { by: 'ann', planHash: 'stale' })).rejects.toThrow();
    expect((await run.status()).waiting?.step).toBe('switch/default');
    expect(model.node('a').routed).toBe(true);
    await approve(run, 'switch/default');
    expect((await run.result()).decisions).toMatchObject([{ action: 'approve', step: 'switch/default' }]);
  });

  it('R-SAGA-3: an approval that does not come is a rejection, and the run goes back without lowering', async () => {
    const model = leveled();
    const run = await harness.start(model, {
      ...up,
      approvals: { expireAfter: '300ms' },
      onFailure: 'rollback',
    });
    const state = await run.result();
    expect(state.run.outcome).toBe('rolled-back');
    expect(state.decisions).toMatchObject([{ action: 'approval-expired', step: 'switch/default' }]);
    expect(effects(model)).not.toContain('drain a');
    expect(effects(model)).not.toContain('lower 3.5');
    expect(versions(model)).toEqual([low, low, low]);
    expect(model.level.active).toBe('3.5');
  });

  it('R-SWITCH-1: after a rejection a retry asks again; what was latched is not asked and saved again', async () => {
    const model = leveled();
    const run = await harness.start(model, up);
    const first = await asked(run, 'switch/default');
    await run.update('reject', { by: 'ann', reason: 'not today' });
    expect((await blocked(run)).failure).toMatchObject({ code: 'APPROVAL_REJECTED', step: 'switch/default' });
    await run.update('retry');
    await approve(run, 'switch/default');
    const state = await run.result();
    expect(state.run.outcome).toBe('completed');
    expect(state.switches).toHaveLength(1);
    expect(state.switches[0]?.predicates).toEqual(first.switches[0]?.predicates);
    expect(effects(model).filter((e) => e === 'backup before-level-3.6')).toHaveLength(1);
  });

  it('R-SWITCH-1: a predicate that is not true holds the run before anybody is asked', async () => {
    const model = leveled();
    model.onEffect = (e) => {
      if (e === 'transfer a b')
        model.obstacles = [{ code: 'NOSPACE', message: 'no space on b', remedy: 'Make some.' }];
    };
    const run = await harness.start(model, { ...up, timeouts: { gate: '500ms' } });
    const held = await blocked(run);
    expect(held.failure).toMatchObject({ code: 'GATE_HELD', step: 'switch/default' });
    expect(held.failure?.message).toContain('no-obstacles hold (NOSPACE');
    expect(held.switches).toMatchObject([{ predicates: [] }]);
    model.obstacles = [];
    await run.update('retry');
    await approve(run, 'switch/default');
    expect((await run.result()).run.outcome).toBe('completed');
  });

  it('R-SWITCH-1: during the burn-in every node must hold; one that does not keeps the level where it is', async () => {
    const model = leveled();
    model.afterEffect = (e) => {
      if (e === 'transfer a b') model.node('c').inSync = false;
    };
    const run = await harness.start(model, {
      ...up,
      switch: { approval: false, burnIn: '300ms' },
      timeouts: { gate: '300ms' },
    });
    const held = await blocked(run);
    expect(held.failure).toMatchObject({ code: 'GATE_HELD', step: 'switch/default', message: /soak-held/ });
    expect(held.switches[0]?.clearedAt).toBeUndefined();
    expect(effects(model)).not.toContain('drain a');
    model.node('c').inSync = true;
    const since = Date.now();
    await run.update('retry');
    const state = await run.result();
    expect(state.run.outcome).toBe('completed');
    expect(Date.parse(state.switches[0]?.clearedAt ?? '') - since).toBeGreaterThanOrEqual(300);
  });

  it('R-SWITCH-2: a level that does not come up fails the run: it is no warning', async () => {
    const model = leveled();
    model.level.held = true;
    const run = await harness.start(model, { ...up, ...unasked, timeouts: { gate: '500ms' } });
    const held = await blocked(run);
    expect(held.failure).toMatchObject({
      ...{ code: 'GATE_HELD', step: 'replace/a' },
      message: expect.stringContaining('level-active hold (default is on level 3.5') as string,
    });
    expect(versions(model)).toEqual([high, high, high]);
    await run.update('retry');
    const again = await run.until('blocked', (s) => s.phase === 'blocked' && s.failure?.step === 'finish');
    expect(again.failure?.message).toContain('level-active');
    await run.update('abort');
    const state = await run.result();
    expect(state.run.outcome).toBe('aborted');
    expect(state.switches).toMatchObject([{ nodesAtLevel: [] }]);
    expect(state.switches[0]?.at).toBeUndefined();
  });

  it('R-SWITCH-2: nor does one node whose own level stays: it is not lowered before it has come up', async () => {
    const model = leveled();
    model.level.stuck.add('c');
    const run = await harness.start(model, { ...up, ...unasked, timeouts: { gate: '500ms' } });
    expect((await blocked(run)).failure?.message).toContain('level-active hold (c is on level 3.5');
    await run.update('rollback', { by: 'ann' });
    const back = await run.until('blocked', (s) => s.phase === 'blocked' && s.direction === 'back');
    expect(back.failure).toMatchObject({ code: 'GATE_HELD', step: 'switch/default' });
    expect(versions(model)).toEqual([high, high, high]);
    model.level.stuck.clear();
    await run.update('retry');
    expect((await run.result()).run.outcome).toBe('rolled-back');
    expect(versions(model)).toEqual([low, low, low]);
    expect(model.level).toMatchObject({ active: '3.5', lowering: undefined });
  });

  it('R-ROLL-8: a primary that others moved back while the run waited is handed over again before it is replaced', async () => {
    const model = leveled();
    const run = await harness.start(model, up);
    await asked(run, 'switch/default');
    for (const n of model.nodes) {
      n.role = n.id === 'a' ? 'primary' : 'replica';
      n.upstream = n.id === 'a' ? undefined : 'a';
    }
    model.epoch = 3;
    await approve(run, 'switch/default');
    const state = await run.result();
    expect(state.run.outcome).toBe('completed');
    expect(effects(model).filter((e) => e.startsWith('transfer'))).toEqual(['transfer a b', 'transfer a b']);
    expect(state.handovers.map((h) => [h.result, h.epochAfter])).toEqual([
      ['done', 2],
      ['done', 4],
    ]);
  });
});

describe.concurrent('R-SWITCH-3: the way back', () => {
  it('before the switch nothing is lowered', async () => {
    const model = leveled();
    model.onEffect = (e) => {
      if (e === 'restore b') model.dyingVersions.add(high);
    };
    const state = await (await harness.start(model, { ...up, onFailure: 'rollback' })).result();
    expect(state.run.outcome).toBe('rolled-back');
    expect(versions(model)).toEqual([low, low, low]);
    expect(effects(model).filter((e) => /lower|transfer/.test(e))).toEqual([]);
    expect(state.switches).toEqual([]);
    expect(model.level.active).toBe('3.5');
  });

  it('after the switch the level is lowered first, and each node waits until its own level is', async () => {
    const model = leveled();
    const run = await harness.start(model, {
      ...up,
      ...unasked,
      approvals: { before: ['finish'] },
      timeouts: { gate: '10m' },
    });
    await asked(run, 'finish');
    expect(model.level.active).toBe('3.6');
    const before = effects(model).length;
    model.level.stuck.add('a');
    await run.update('rollback', { by: 'ann', reason: 'the application has errors' });
    const held = await run.until('held', (s) =>
      s.gates.some((g) => g.name === 'node-level' && g.node === 'a' && g.verdict === 'hold'),
    );
    expect(held.gates.find((g) => g.name === 'node-level')).toMatchObject({
      observed: 'a is on level 3.6',
      required: 'a itself is on level 3.5',
    });
    // Lowered, and no node touched.
    expect(effects(model).slice(before)).toEqual(['backup before-level-3.5', 'lower 3.5']);
    model.level.stuck.clear();
    const state = await run.result();
    expect(state.failure).toBeUndefined();
    expect(state.run.outcome).toBe('rolled-back');
    expect(effects(model).slice(before)).toEqual([
      ...['backup before-level-3.5', 'lower 3.5'],
      ...replaced('a', low),
      ...replaced('c', low),
      'transfer b a',
      ...replaced('b', low),
    ]);
    expect(state.gates.filter((g) => g.name === 'node-level').map((g) => [g.node, g.verdict])).toEqual([
      ['a', 'pass'],
      ['c', 'pass'],
      ['b', 'pass'],
    ]);
    expect(model.level).toMatchObject({ active: '3.5', lowering: undefined });
    expect(state.switches.map((s) => [s.how, s.from, s.to, s.nodesAtLevel.length])).toEqual([
      ['by-last-node', '3.5', '3.6', 3],
      ['lower', '3.6', '3.5', 3],
    ]);
    expect(state.ledger).toEqual([]);
    expect(state.compensations).toEqual([]);
  });

  it('asked for as the last node comes up, the level is lowered before that node is stopped again', async () => {
    const model = leveled();
    let wished = false;
    model.afterEffect = async (e) => {
      if (e !== `start a ${high}` || wished) return;
      wished = true;
      await run.handle.signal('rollback', { by: 'ann' });
    };
    const run = await harness.start(model, { ...up, ...unasked });
    const state = await run.result();
    expect(state.run.outcome).toBe('rolled-back');
    expect(versions(model)).toEqual([low, low, low]);
    const after = effects(model);
    expect(after.indexOf('lower 3.5')).toBeGreaterThan(after.indexOf(`start a ${high}`));
    expect(after.indexOf('lower 3.5')).toBeLessThan(after.lastIndexOf('stop a'));
    expect(after.filter((e) => e === 'drain a')).toHaveLength(1);
    expect(model.level).toMatchObject({ active: '3.5', lowering: undefined });
    expect(model.nodes.every((n) => n.routed && n.running)).toBe(true);
  });

  it('a node of ours whose own level lags is not stopped either', async () => {
    const model = leveled();
    let wished = false;
    model.afterEffect = async (e) => {
      if (e === `start a ${high}` && !wished) {
        wished = true;
        await run.handle.signal('rollback', { by: 'ann' });
      }
      if (e === 'backup before-level-3.5') model.level.stuck.add('a');
    };
    const run = await harness.start(model, { ...up, ...unasked, timeouts: { gate: '10m' } });
    await run.until('held', (s) =>
      s.gates.some((g) => g.name === 'node-level' && g.node === 'a' && g.verdict === 'hold'),
    );
    expect(effects(model).filter((e) => e === 'stop a')).toHaveLength(1);
    model.level.stuck.clear();
    expect((await run.result()).run.outcome).toBe('rolled-back');
    expect(versions(model)).toEqual([low, low, low]);
  });

  it('a lowering that the system refuses leaves every node alone; a retry goes on', async () => {
    const model = leveled(high);
    let refused = false;
    model.onEffect = (e) => {
      if (e !== 'lower 3.5' || refused) return;
      refused = true;
      throw new RollgateError('SYSTEM_REFUSED', 'invalid downgrade target', 'Look at the members.');
    };
    const run = await harness.start(model, { ...down, ...unasked });
    const held = await blocked(run);
    expect(held.failure).toMatchObject({ code: 'SYSTEM_REFUSED', step: 'switch/default' });
    expect(held.compensations.map((c) => c.id)).not.toContain('level/default');
    expect(effects(model)).toEqual(['backup before-start', 'backup before-level-3.5']);
    await run.update('retry');
    expect((await run.result()).run.outcome).toBe('completed');
    expect(versions(model)).toEqual([low, low, low]);
  });
});

describe.concurrent('R-SWITCH-3: a run to the lower series', () => {
  it('asks, lowers, and then goes node by node', async () => {
    const model = leveled(high);
    const run = await harness.start(model, down);
    await asked(run, 'switch/default');
    expect(effects(model)).toEqual(['backup before-start']);
    await approve(run, 'switch/default');
    const state = await run.result();
    expect(state.run.outcome).toBe('completed');
    expect(effects(model)).toEqual([
      ...['backup before-start', 'backup before-level-3.5', 'lower 3.5'],
      ...replaced('b', low),
      ...replaced('c', low),
      'transfer a b',
      ...replaced('a', low),
    ]);
    expect(model.level).toMatchObject({ active: '3.5', lowering: undefined });
    expect(state.switches).toMatchObject([
      { how: 'lower', from: '3.6', to: '3.5', nodesAtLevel: ['a', 'b', 'c'] },
    ]);
  });

  it.each(['abort', 'rollback'] as const)('%s directly after the lowering withdraws it', async (wish) => {
    const model = leveled(high);
    model.afterEffect = async (e) => {
      if (e === 'lower 3.5') await run.handle.signal(wish, { by: 'ann' });
    };
    const run = await harness.start(model, { ...down, ...unasked });
    const state = await run.result();
    expect(state.run.outcome).toBe(wish === 'abort' ? 'aborted' : 'rolled-back');
    expect(effects(model).filter((e) => !e.startsWith('backup'))).toEqual(['lower 3.5', 'cancel lowering']);
    expect(model.level).toMatchObject({ active: '3.6', lowering: undefined });
    expect(versions(model)).toEqual([high, high, high]);
    expect(state.compensations).toEqual([]);
    expect(state.leftUndone).toEqual([]);
  });

  it('a withdrawal that fails is listed with what withdraws it', async () => {
    const model = leveled(high);
    model.afterEffect = async (e) => {
      if (e === 'lower 3.5') await run.handle.signal('abort', { by: 'ann' });
    };
    model.onEffect = (e) => {
      if (e === 'cancel lowering') throw new RollgateError('SYSTEM_REFUSED', 'no quorum', 'Wait.');
    };
    const run = await harness.start(model, { ...down, ...unasked });
    const state = await run.result();
    expect(state.leftUndone).toMatchObject([
      { what: 'level/default', command: "cancel the downgrade of default by the system's own command" },
    ]);
  });

  it('left after its first node, it is gone on with by the next run: each node is still asked for its level', async () => {
    const model = leveled(high);
    const first = await harness.start(model, { ...down, ...unasked, approvals: { before: ['replace/c'] } });
    await asked(first, 'replace/c');
    await first.update('abort', { by: 'ann' });
    expect((await first.result()).run.outcome).toBe('aborted');
    // A node is on it already: it is not withdrawn behind its back.
    expect(effects(model)).not.toContain('cancel lowering');
    expect(model.level.lowering).toBe('3.5');
    model.level.stuck.add('c');
    model.node('c').level = '3.6';
    const before = effects(model).length;
    const second = await harness.start(model, { ...down, timeouts: { gate: '10m' } });
    await second.until('held', (s) => s.gates.some((g) => g.name === 'node-level' && g.verdict === 'hold'));
    expect(effects(model)).not.toContain('drain c');
    model.level.stuck.clear();
    const state = await second.result();
    expect(state.run.outcome).toBe('completed');
    expect(effects(model).slice(before)).not.toContain('lower 3.5');
    expect(state.switches).toEqual([]);
    expect(versions(model)).toEqual([low, low, low]);
    expect(model.level).toMatchObject({ active: '3.5', lowering: undefined });
  });

  it('left half-way, a run upwards cancels it first, and the last node is still asked for by itself', async () => {
    const model = halfDown();
    const run = await harness.start(model, up);
    await approve(run, 'cancel/default');
    await asked(run, 'switch/default');
    expect(effects(model)).toEqual([
      ...['backup before-start', 'backup before-cancelling-3.6', 'cancel lowering'],
      ...replaced('b', high),
    ]);
    expect(model.level.active).toBe('3.5');
    await approve(run, 'switch/default');
    const state = await run.result();
    expect(state.run.outcome).toBe('completed');
    expect(effects(model)).not.toContain('drain a');
    expect(model.level).toMatchObject({ active: '3.6', lowering: undefined });
    expect(state.switches.map((s) => [s.how, s.to, s.nodesAtLevel.length])).toEqual([
      ['cancel', '3.6', 3],
      ['by-last-node', '3.6', 3],
    ]);
  });

  it('and such a run goes back to what it found: one node of it stays on the later series', async () => {
    const model = halfDown();
    const run = await harness.start(model, { ...up, ...unasked, approvals: { before: ['finish'] } });
    await asked(run, 'finish');
    await run.update('rollback', { by: 'ann' });
    const state = await run.result();
    expect(state.failure).toBeUndefined();
    expect(state.run.outcome).toBe('rolled-back');
    expect(versions(model)).toEqual([high, low, low]);
    expect(model.level.lowering).toBe('3.5');
  });
});

describe.concurrent('R-SWITCH: backups and copies', () => {
  it.each([
    { why: 'copies that differ', verdict: 'hold', observed: 'c differs from a and b' },
    { why: 'an inconclusive comparison', verdict: 'unknown', observed: 'c was compacted elsewhere' },
  ] as const)('$why: nothing is changed', async ({ verdict, observed }) => {
    const model = leveled();
    model.level.copies = { verdict, observed };
    const run = await harness.start(model, { ...up, ...unasked });
    const held = await blocked(run);
    expect(held.failure).toMatchObject({ code: 'COPIES_DIFFER', step: 'prepare' });
    expect(held.failure?.message).toContain(`copies-identical ${verdict}: ${observed}`);
    expect(model.effects).toEqual([]);
    await run.update('abort');
    expect((await run.result()).run.outcome).toBe('aborted');
    expect(model.effects).toEqual([]);
  });

  it('a backup that cannot be verified: nothing is changed, and a retry saves it', async () => {
    const model = leveled();
    model.level.brokenBackup = 'what was restored has another hash';
    const run = await harness.start(model, { ...up, ...unasked });
    const held = await blocked(run);
    expect(held.failure).toMatchObject({ code: 'BACKUP_UNVERIFIED', step: 'prepare' });
    expect(held.backups).toEqual([]);
    expect(model.effects).toEqual([]);
    model.level.brokenBackup = undefined;
    await run.update('retry');
    const state = await run.result();
    expect(state.run.outcome).toBe('completed');
    expect(state.backups.map((b) => [b.name, b.content])).toEqual([
      ['before-start', 'revision 7'],
      ['before-level-3.6', 'revision 7'],
    ]);
    expect(state.gates.find((g) => g.name === 'backup-verified')?.verdict).toBe('pass');
  });

  it('copies that differ after the nodes were changed hold the switch before anybody is asked', async () => {
    const model = leveled();
    model.afterEffect = (e) => {
      if (e === 'transfer a b') model.level.copies = { verdict: 'hold', observed: 'b differs' };
    };
    const run = await harness.start(model, up);
    const held = await blocked(run);
    expect(held.failure).toMatchObject({ code: 'COPIES_DIFFER', step: 'switch/default' });
    expect(effects(model)).not.toContain('backup before-level-3.6');
    expect(effects(model)).not.toContain('drain a');
    await run.update('rollback', { by: 'ann' });
    // Where the copies differ nothing is switched; going back switches nothing.
    const state = await run.result();
    expect(state.run.outcome).toBe('rolled-back');
    expect(versions(model)).toEqual([low, low, low]);
  });
});

describe.concurrent('R-ROLL-7: handover by transfer', () => {
  it('one that fails leaves things as they are, and a retry makes it', async () => {
    const model = leveled();
    model.level.transferFailure = new RollgateError('CANDIDATE_BEHIND', 'b lacks entries', 'Wait.');
    const run = await harness.start(model, { ...up, ...unasked });
    const held = await blocked(run);
    expect(held.failure).toMatchObject({ code: 'CANDIDATE_BEHIND', step: 'handover/default' });
    expect([model.primary?.id, model.epoch]).toEqual(['a', 1]);
    expect(held.leftUndone).toEqual([]);
    expect(model.nodes.every((n) => n.running && n.routed)).toBe(true);
    model.level.transferFailure = undefined;
    await run.update('retry');
    const state = await run.result();
    expect(state.run.outcome).toBe('completed');
    expect(state.handovers.map((h) => h.result)).toEqual(['restored', 'done']);
    expect(effects(model).filter((e) => e.startsWith('transfer'))).toEqual(['transfer a b']);
  });

  it('R-SAGA-1: a lost reply: the transfer that happened is found, and not made again', async () => {
    const model = leveled();
    let lost = 0;
    model.afterEffect = (e) => {
      if (e === 'transfer a b' && lost++ === 0) throw new Error('connection reset');
    };
    const state = await (await harness.start(model, { ...up, ...unasked })).result();
    expect(lost).toBe(1);
    expect(state.run.outcome).toBe('completed');
    expect(effects(model).filter((e) => e.startsWith('transfer'))).toEqual(['transfer a b']);
    expect(state.handovers).toMatchObject([{ from: 'a', to: 'b', epochAfter: 2, result: 'done' }]);
    expect(model.epoch).toBe(2);
  });

  it('R-SAGA-1: one that is called failed and has happened is verified and adopted', async () => {
    const model = leveled();
    model.afterEffect = (e) => {
      if (e === 'transfer a b')
        throw new RollgateError('PROMOTION_UNVERIFIED', 'not every node says so', 'Look.');
    };
    const run = await harness.start(model, { ...up, ...unasked });
    const held = await blocked(run);
    expect(held.failure?.code).toBe('PROMOTION_UNVERIFIED');
    expect(held.handovers).toMatchObject([{ result: 'failed' }]);
    await run.update('retry');
    const state = await run.result();
    expect(state.run.outcome).toBe('completed');
    expect(state.handovers).toMatchObject([
      { from: 'a', to: 'b', epochBefore: 1, epochAfter: 2, result: 'done' },
    ]);
    expect(effects(model).filter((e) => e.startsWith('transfer'))).toEqual(['transfer a b']);
  });

  it('one that was not verified to the end is verified before anything else is done', async () => {
    const model = leveled();
    model.afterEffect = (e) => {
      if (e === 'transfer a b') model.deaf.add('c');
    };
    const run = await harness.start(model, { ...up, ...unasked });
    expect((await blocked(run)).failure).toMatchObject({ code: 'CANARY_MISSING', step: 'handover/default' });
    await run.update('retry');
    const again = await run.until(
      'blocked again',
      (s) => s.phase === 'blocked' && s.failure?.step === 'observe',
    );
    expect(again.failure?.code).toBe('CANARY_MISSING');
    expect(effects(model)).not.toContain('drain a');
    model.deaf.clear();
    await run.update('retry');
    const state = await run.result();
    expect(state.run.outcome).toBe('completed');
    expect(state.handovers).toMatchObject([{ to: 'b', result: 'done' }]);
    expect(effects(model).filter((e) => e.startsWith('transfer'))).toEqual(['transfer a b']);
  });
});

describe.concurrent('R-PROOF-2: the history of the probe', () => {
  it('that has no order which explains it fails the run, loudly', async () => {
    const model = leveled();
    model.linearizability = { verdict: 'violated', operations: 812, registers: 4, reason: 'register 2' };
    const state = await (await harness.start(model, { ...up, ...unasked })).result();
    expect(state.run.outcome).toBe('failed');
    expect(state.failure?.code).toBe('NOT_LINEARIZABLE');
    expect(state.failure?.message).toMatch(/812 reads and writes .*: register 2$/);
  });

  it('lost writes are named before it', async () => {
    const model = leveled();
    model.lost = 1;
    model.linearizability = { verdict: 'violated', operations: 812, registers: 4 };
    const state = await (await harness.start(model, { ...up, ...unasked })).result();
    expect(state.failure?.code).toBe('WRITES_LOST');
  });

  it.each(['linearizable', 'unchecked'] as const)('%s does not', async (verdict) => {
    const model = leveled();
    model.linearizability = { verdict, operations: 812, registers: 4 };
    const state = await (await harness.start(model, { ...up, ...unasked })).result();
    expect(state.run.outcome).toBe('completed');
    expect(state.writes?.linearizability?.verdict).toBe(verdict);
  });
});
