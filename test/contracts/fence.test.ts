import { expect, it } from 'vitest';
import { fenceFrom, type FenceEvidence, type HandoverFacet } from '../../src/contracts/index.js';
import { Model, modelDependencies } from '../fakes/model.js';

it('R-ROLL-7: a promotion without a fence does not compile; one with a fence does', async () => {
  const model = new Model();
  const cluster = model.cluster('orders');
  const handover: HandoverFacet | undefined = modelDependencies(model).system(cluster).handover;
  if (!handover) throw new Error('the model has a handover');
  const evidence: FenceEvidence = {
    group: 'default',
    node: 'a',
    epoch: 1,
    position: { offset: 100, text: '100' },
    stopped: true,
    clean: true,
    guard: 'the model',
    at: '2026-01-01T00:00:00.000Z',
  };
  const ctx = { signal: new AbortController().signal, heartbeat: () => undefined, runId: 'r' };
  const limits = { timeoutMs: 1000, pollMs: 10 };
  // Never called: it is the compiler that must refuse it, and `npm run types` fails when it does not.
  const unfenced = (): unknown =>
    // @ts-expect-error evidence that no system has turned into a fence
    handover.promote(cluster, 'b', evidence, limits, ctx);
  expect(unfenced).toBeTypeOf('function');
  expect(await handover.promote(cluster, 'b', fenceFrom(evidence), limits, ctx)).toMatchObject({ node: 'b' });
});
