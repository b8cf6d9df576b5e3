import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTemporal, type TemporalServer } from '../../src/dev/temporal.js';
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
