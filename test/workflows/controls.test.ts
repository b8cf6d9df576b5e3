import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Model } from '../fakes/model.js';
import { createHarness, type Harness } from './harness.js';

let harness: Harness;
beforeAll(async () => {
  harness = await createHarness();
});
afterAll(() => harness.close());

const waiting = { approvals: { before: ['handover'] } };

describe.concurrent('R-SAGA-3: controls', () => {
  it('pause holds at the next safe point, resume goes on', async () => {
    const model = new Model();
    model.onEffect = async (e) => {
      if (e === 'drain b') await run.update('pause', { by: 'ann', reason: 'lunch' });
    };
    const run = await harness.start(model);
    const paused = await run.until('paused', (s) => s.phase === 'paused');
    expect(model.node('b').version).toBe('1.1');
    expect(model.effects).not.toContain('drain c');
    expect(paused.decisions).toMatchObject([{ action: 'pause', by: 'ann', reason: 'lunch', accepted: true }]);
    await run.update('resume', { by: 'ann' });
    expect((await run.result()).run.outcome).toBe('completed');
  });

  it('approve needs the hash of the plan that is followed', async () => {
    const model = new Model();
    const run = await harness.start(model, waiting);
    const state = await run.until('waits', (s) => s.waiting?.step === 'handover/default');
    await expect(run.update('approve', { planHash: 'stale', by: 'ann' })).rejects.toThrow();
    await expect(run.update('approve', { by: 'ann' })).rejects.toThrow();
    await expect(run.update('approve', { planHash: state.plan?.hash, step: 'replace/b' })).rejects.toThrow();
    expect(model.effects).not.toContain('fence a');
    await run.update('approve', { planHash: state.plan?.hash, by: 'ann', reason: 'looks good' });
    const end = await run.result();
    expect(end.run.outcome).toBe('completed');
    expect(end.decisions).toMatchObject([{ action: 'approve', by: 'ann', step: 'handover/default' }]);
  });

  it('a bare approve signal approves what waits; a signal with a stale hash is recorded without effect', async () => {
    const model = new Model();
    const run = await harness.start(model, waiting);
    await run.until('waits', (s) => s.waiting !== undefined);
    await run.handle.signal('approve', { planHash: 'stale' });
    const refused = await run.until('recorded', (s) => s.decisions.length === 1);
    expect(refused.decisions[0]).toMatchObject({ accepted: false });
    expect(refused.waiting).toBeDefined();
    await run.handle.signal('approve');
    expect((await run.result()).run.outcome).toBe('completed');
  });

  it('a bare approve signal that comes before anything waits is not kept for later', async () => {
    const model = new Model();
    const run = await harness.start(model, waiting);
    await run.handle.signal('approve');
    const state = await run.until('waits', (s) => s.waiting !== undefined);
    expect(state.decisions).toMatchObject([{ action: 'approve', accepted: false }]);
    await run.update('abort');
    await run.result();
  });

  it('an approval that nobody gives is a rejection', async () => {
    const model = new Model();
    const run = await harness.start(model, {
      approvals: { before: ['handover'], expireAfter: '300ms' },
      onFailure: 'rollback',
    });
    const state = await run.result();
    expect(state.run.outcome).toBe('rolled-back');
    expect(state.decisions).toMatchObject([{ action: 'approval-expired' }]);
    expect(model.effects).not.toContain('fence a');
    expect(model.nodes.map((n) => n.version)).toEqual(['1.0', '1.0', '1.0']);
  });

  it('reject blocks the run; retry asks again', async () => {
    const model = new Model();
    const run = await harness.start(model, waiting);
    await run.until('waits', (s) => s.waiting !== undefined);
    await run.handle.signal('reject');
    const blocked = await run.until('blocked', (s) => s.phase === 'blocked');
    expect(blocked.failure?.code).toBe('APPROVAL_REJECTED');
    await run.handle.signal('retry');
    const again = await run.until('waits again', (s) => s.waiting !== undefined);
    await run.update('approve', { planHash: again.plan?.hash });
    expect((await run.result()).run.outcome).toBe('completed');
  });

  it('abort as a bare signal ends the run where it is, with nothing borrowed', async () => {
    const model = new Model();
    const run = await harness.start(model, waiting);
    await run.until('waits', (s) => s.waiting !== undefined);
    await run.handle.signal('abort');
    const state = await run.result();
    expect(state.run.outcome).toBe('aborted');
    expect(state.ledger).toEqual([]);
    expect(model.nodes.every((n) => n.routed && n.running)).toBe(true);
    expect(model.nodes.map((n) => n.version)).toEqual(['1.0', '1.1', '1.1']);
  });

  it('abort between the handover and the replacement of the old primary does not leave it down', async () => {
    const model = new Model();
    const run = await harness.start(model, { approvals: { before: ['replace/a'] } });
    const waits = await run.until('waits', (s) => s.waiting?.step === 'replace/a');
    expect(model.node('a').running).toBe(false);
    expect(waits.compensations.map((c) => c.id)).toContain('rejoin/a');
    await run.handle.signal('abort', { by: 'ann' });
    const state = await run.result();
    expect(state.run.outcome).toBe('aborted');
    expect(model.node('a')).toMatchObject({ running: true, role: 'replica', upstream: 'b', version: '1.0' });
    expect(model.primary?.id).toBe('b');
    expect(state.leftUndone).toEqual([]);
    expect(state.ledger).toEqual([]);
  });

  it('an approval can be asked for before the finish, and a rollback given instead', async () => {
    const model = new Model();
    const run = await harness.start(model, { approvals: { before: ['finish'] } });
    const waits = await run.until('waits', (s) => s.waiting?.step === 'finish');
    expect(model.nodes.map((n) => n.version)).toEqual(['1.1', '1.1', '1.1']);
    expect(model.probing).toBe(true);
    expect(waits.writes).toBeUndefined();
    await run.update('rollback', { by: 'ann', reason: 'the application has errors' });
    const state = await run.result();
    expect(state.run.outcome).toBe('rolled-back');
    expect(model.nodes.map((n) => n.version)).toEqual(['1.0', '1.0', '1.0']);
    expect(model.primary?.id).toBe('a');
  });

  it('abort leaves a gate at once instead of waiting for its timeout', async () => {
    const model = new Model();
    model.node('c').inSync = true;
    const run = await harness.start(model, { timeouts: { gate: '10m' } });
    model.onEffect = (e) => {
      if (e === 'restore b') model.node('c').inSync = false;
    };
    await run.until('held', (s) => s.gates.some((g) => g.verdict === 'hold'));
    await run.update('abort');
    expect((await run.result()).run.outcome).toBe('aborted');
  });

  it('skip leaves a node alone and the run says that it did not complete', async () => {
    const model = new Model();
    model.brokenArtifacts.add('c/1.1');
    model.brokenArtifacts.delete('c/1.1');
    model.onEffect = (e) => {
      if (e === 'restore b') model.brokenArtifacts.add('c/1.1');
    };
    const run = await harness.start(model);
    await run.until('blocked', (s) => s.phase === 'blocked');
    expect(model.effects).not.toContain('stop c');
    await run.update('skip', { by: 'ann' });
    const state = await run.result();
    expect(state.run.outcome).toBe('failed');
    expect(state.failure?.message).toContain('c');
    expect(model.node('c').version).toBe('1.0');
    expect(model.node('a').version).toBe('1.1');
  });

  it('skip is refused for a node that has been stopped', async () => {
    const model = new Model();
    model.dyingVersions.add('1.1');
    const run = await harness.start(model);
    await run.until('blocked', (s) => s.phase === 'blocked');
    await expect(run.update('skip')).rejects.toThrow();
    await run.update('rollback');
    expect((await run.result()).run.outcome).toBe('rolled-back');
  });

  it('controls that make no sense now are refused, and none is possible after the end', async () => {
    const model = new Model();
    const run = await harness.start(model, waiting);
    await run.until('waits', (s) => s.waiting !== undefined);
    await expect(run.update('resume')).rejects.toThrow();
    await expect(run.update('retry')).rejects.toThrow();
    await run.update('abort');
    await run.result();
    await expect(run.update('pause')).rejects.toThrow();
  });
});
