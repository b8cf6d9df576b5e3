import { ApplicationFailure, workflowInfo } from '@temporalio/workflow';
import type { Validation } from '../contracts/migration.js';
import type { MigrationInput, ValidationInput } from '../contracts/run.js';
import { validationOf } from '../planning/migration/phases.js';
import { actLong } from './activities.js';
import { createMigrationRun, migrationOf } from './migration-run.js';
import { migrationWay } from './migration-way.js';
import { compensate, failureOf } from './saga.js';
import { compareAtCut } from './steps/migration/compare.js';

/**
 * One comparison at a cut of its own, beside the run of the migration or without one: what it finds is its result,
 * also where copies differ. It holds nothing afterwards.
 */
export async function validateMigration(input: ValidationInput): Promise<Validation> {
  const run = createMigrationRun(input, migrationWay);
  let failure: unknown;
  try {
    await compareAtCut(run, input.name, input.direction);
  } catch (error) {
    failure = error;
  }
  await compensate(run);
  const found = validationOf(migrationOf(run).state, input.name);
  if (found) return found;
  const { code, message, remedy } = failureOf(failure);
  throw ApplicationFailure.nonRetryable(message, code, { remedy });
}

/** Remove what a migration has left that nobody goes on with. Refused by the system where the writes have moved. */
export async function discardMigration({ cluster, destination }: MigrationInput): Promise<void> {
  await actLong('discardMigration', `remove everything of the migration to ${destination.name}`, {
    pair: { source: cluster, destination },
    runId: workflowInfo().runId,
    // Somebody waits for the answer.
    patienceMs: 0,
  });
}
