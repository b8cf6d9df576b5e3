import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTemporal, type TemporalServer } from '../../src/dev/temporal.js';
import { MigrationModel } from '../fakes/model-migration.js';
import { Model } from '../fakes/model.js';
import { createHarness, type Harness } from './harness.js';

let server: TemporalServer;
let harness: Harness;
beforeAll(async () => {
  // A server of its own, that thinks a history long after a few steps; the default would take thousands of events.
  const { TEMPORAL_ADDRESS: shared } = process.env;
  delete process.env['TEMPORAL_ADDRESS'];
  try {
    server = await startTemporal({ settings: { 'limit.historyCount.suggestContinueAsNew': '60' } });
  } finally {
    if (shared !== undefined) process.env['TEMPORAL_ADDRESS'] = shared;
  }
  harness = await createHarness({ address: server.address });
});
afterAll(async () => {
  await harness.close();
  await server.stop();
});

/** Executions of the run's chain, the first included. */
async function executions(workflowId: string): Promise<number> {
  const { history } = await harness.client.workflowService.getWorkflowExecutionHistory({
    namespace: 'default',
    execution: { workflowId },
  });
  const started = history?.events?.[0]?.workflowExecutionStartedEventAttributes;
  return started?.continuedExecutionRunId ? 2 : 1;
}

it('R-SAGA-1: a history that has become long is exchanged for a new one, and the run goes on', async () => {
  const model = new Model();
  const run = await harness.start(model, { approvals: { before: ['handover', 'finish'] } });
  const first = await run.until('waits before the handover', (s) => s.waiting !== undefined);
  // The wish and the approval are given to whichever execution is the newest.
  await run.handle.signal('approve', { by: 'ann', planHash: first.plan?.hash });
  const last = await run.until('waits before the end', (s) => s.waiting?.step === 'finish');
  expect(last.run.id).toBe(first.run.id);
  expect(last.decisions.map((d) => d.action)).toEqual(['approve']);
  await run.handle.signal('approve', { by: 'ann' });
  const state = await run.result();
  expect(await executions(run.handle.workflowId)).toBe(2);
  expect(state.run.outcome).toBe('completed');
  expect(model.nodes.map((n) => n.version)).toEqual(['1.1', '1.1', '1.1']);
  for (const effect of ['fence a', 'promote b', 'stop b', 'stop c', 'install a 1.1'])
    expect(model.effects.filter((e) => e === effect)).toEqual([effect]);
  expect(state.ledger).toEqual([]);
  expect(state.steps.map((s) => s.id)).toEqual([
    'prepare',
    'replace/b',
    'replace/c',
    'handover/default',
    'replace/a',
    'finish',
  ]);
});

it('R-SAGA-3: a rollback asked for in a later execution undoes what an earlier one did', async () => {
  const model = new Model();
  const run = await harness.start(model, { approvals: { before: ['finish'] } });
  await run.until('waits before the end', (s) => s.waiting?.step === 'finish');
  await run.handle.signal('rollback', { by: 'ann' });
  const state = await run.result();
  expect(state.run.outcome).toBe('rolled-back');
  expect(model.nodes.map((n) => n.version)).toEqual(['1.0', '1.0', '1.0']);
  expect(model.primary?.id).toBe('a');
  expect(state.ledger).toEqual([]);
});

it('R-MIG-2: a migration goes on in a later execution, and its cut-back undoes what an earlier one did', async () => {
  const model = new MigrationModel();
  const run = await harness.migrate(model, {
    ...{ cutover: { approval: true }, observe: { for: '0ms', acceptance: true } },
    approvals: { before: ['dual-write'] },
  });
  const first = await run.until('waits in mid-migration', (s) => s.waiting?.step === 'dual-write');
  for (const step of ['dual-write', 'cutover']) {
    await run.until(`${step} waits`, (s) => s.waiting?.step === step);
    await run.handle.signal('approve', { by: 'ann' });
  }
  await run.until('acceptance waits', (s) => s.waiting?.step === 'accept');
  expect(await executions(run.handle.workflowId)).toBe(2);
  await run.handle.signal('rollback', { by: 'ann' });
  await run.until('asked again', (s) => s.waiting?.step === 'cutover/2');
  expect(model.copies.lost('source')).toEqual([]);
  await run.handle.signal('approve', { by: 'ann' });
  await run.until('acceptance waits again', (s) => s.waiting?.step === 'accept');
  await run.handle.signal('approve', { by: 'ann' });
  const state = await run.result();
  expect(state.failure).toBeUndefined();
  expect(state.run).toMatchObject({ id: first.run.id, outcome: 'completed' });
  expect([state.ledger, state.leftUndone, model.copies.violations]).toEqual([[], [], []]);
  expect(model.copies.lost('destination')).toEqual([]);
  expect([...model.copies.residue('source'), ...model.copies.residue('destination')]).toEqual([]);
  for (const effect of ['export', 'copy orders 0', 'cut at-export', 'fence destination', 'accept'])
    expect(model.effects.filter((e) => e === effect)).toEqual([effect]);
});

it('R-MIG-7: the way back over several stages undoes what earlier executions did', async () => {
  const model = new MigrationModel();
  model.definitions = ['table orders: column note is missing on the destination'];
  const run = await harness.pipe(model, ['17.11', 'B'], {
    ...{ pipeline: { onFailure: 'rollback' }, migration: { onFailure: 'rollback' } },
  });
  const state = await run.result();
  expect(await executions(run.handle.workflowId)).toBe(2);
  expect(state.run.outcome).toBe('rolled-back');
  expect(state.pipeline?.stages.map((s) => s.outcome)).toEqual(['rolled-back', 'rolled-back']);
  expect((state.chapters ?? []).map((c) => [c.run.kind, c.run.outcome])).toEqual([
    ['RollingUpgrade', 'completed'],
    ['StorageMigration', 'rolled-back'],
  ]);
  expect(model.untouched).toBe(true);
  expect(model.clusters.source.nodes.map((n) => n.version)).toEqual(['17.10', '17.10']);
  for (const effect of ['export', 'copy orders 0', 'source install a2 17.11', 'source install a2 17.10'])
    expect(model.effects.filter((e) => e === effect)).toEqual([effect]);
});
