import { WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { expect } from 'vitest';
import type { RunState } from '../../src/contracts/index.js';
import type { MigrationModel } from '../fakes/model-migration.js';
import type { Harness, TestRun } from './harness.js';

export async function approve(run: TestRun, step: string): Promise<RunState> {
  const state = await run.until(`${step} waits for approval`, (s) => s.waiting?.step === step);
  await run.update('approve', { step, planHash: state.plan?.hash, by: 'ann' });
  return state;
}

export const blocked = (run: TestRun): Promise<RunState> =>
  run.until('blocked', (s) => s.phase === 'blocked');

export const refusalOf = async (wish: Promise<unknown>): Promise<string> => {
  const error: unknown = await wish.then(
    () => undefined,
    (e: unknown) => e,
  );
  if (!(error instanceof WorkflowUpdateFailedError) || !(error.cause instanceof ApplicationFailure))
    throw new Error('it was not refused');
  return error.cause.message;
};

export const phasesOf = (state: RunState): string[] => state.migration?.phases.map((p) => p.phase) ?? [];

/** B has every write, A is closed, and nothing of a migration is on either. */
export function expectAccepted(model: MigrationModel, state: RunState): void {
  expect(state.failure).toBeUndefined();
  expect(state.run.outcome).toBe('completed');
  expect(state.migration).toMatchObject({ phase: 'accepted', authority: 'destination' });
  expect([state.ledger, state.leftUndone, state.compensations]).toEqual([[], [], []]);
  const { copies, clusters } = model;
  expect(copies.violations).toEqual([]);
  expect(copies.lost('destination')).toEqual([]);
  expect([...copies.residue('source'), ...copies.residue('destination')]).toEqual([]);
  expect([copies.source.open, copies.destination.open, model.synchronous]).toEqual([false, true, false]);
  expect([clusters.source.scratch, clusters.destination.scratch]).toEqual([false, false]);
  expect(copies.destination.sequence).toBeGreaterThanOrEqual(copies.source.sequence);
}

/** A as it was, with every write; B as empty as it was (R-MIG-5). */
export function expectDiscarded(model: MigrationModel, state: RunState): void {
  expect([state.ledger, state.leftUndone, state.compensations]).toEqual([[], [], []]);
  expect(model.copies.violations).toEqual([]);
  expect(model.copies.lost('source')).toEqual([]);
  expect(model.copies.residue('source')).toEqual([]);
  expect(model.untouched).toBe(true);
}

export const forward = [
  ...['preflight', 'exporting', 'bootstrapping', 'validating-export', 'dual-writing'],
  ...['validating-cutover', 'awaiting-approval', 'cutting-over', 'observing'],
];

export const asked = {
  cutover: { approval: true },
  observe: { for: '0ms', acceptance: true },
};

/** Runs until B takes the writes and its acceptance is asked for. */
export async function observing(
  harness: Harness,
  model: MigrationModel,
  migration: Record<string, unknown> = {},
): Promise<TestRun> {
  const run = await harness.migrate(model, { observe: { for: '0ms', acceptance: true }, ...migration });
  await run.until('acceptance waits', (s) => s.waiting?.step === 'accept');
  return run;
}
