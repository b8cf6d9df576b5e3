import { isOver, RollgateError, type RunState, type ValidationInput } from '../contracts/index.js';
import { flowing } from '../planning/migration/phases.js';
import type { RunHandle } from './run-handle.js';

/** How many names of cuts there may be beside each other: two comparisons at once do not share one. */
const letters = 36 ** 4;

/**
 * A comparison of a migration in progress, as its run stands now.
 * @throws RollgateError `CONTROL_REFUSED`
 */
export function validationOf({ run, spec, migration }: RunState, sample?: number): ValidationInput {
  if (!spec.migration || !migration) {
    throw refused(
      `${run.cluster} has a ${run.kind}, not a migration`,
      'Name a cluster that is being migrated.',
    );
  }
  const direction = run.outcome === 'running' ? flowing(migration) : undefined;
  if (direction === undefined) {
    throw refused(
      `the migration of ${run.cluster} is ${run.outcome === 'running' ? migration.phase : run.outcome}: no changes flow that could be cut`,
      'It can be compared from the phase validating-cutover until it is accepted, except while the writes move.',
    );
  }
  const { validation } = spec.migration;
  return {
    cluster: spec.cluster,
    destination: spec.destination,
    migration: {
      ...spec.migration,
      validation: { ...validation, mismatches: sample ?? validation.mismatches },
    },
    direction,
    name: `asked-${Math.floor(Math.random() * letters).toString(36)}`,
  };
}

/** @throws RollgateError `RUN_ALREADY_RUNNING` */
export async function requireNoRun(
  get: (cluster: string) => Promise<RunHandle>,
  cluster: string,
): Promise<void> {
  let state: RunState;
  try {
    state = await (await get(cluster)).status();
  } catch (error) {
    if (error instanceof RollgateError && error.code === 'RUN_NOT_FOUND') return;
    throw error;
  }
  if (isOver(state)) return;
  throw new RollgateError(
    'RUN_ALREADY_RUNNING',
    `cluster ${cluster} has a run in progress (${state.run.workflowId})`,
    `rollgate rollback ${cluster} takes it back and removes what it has made.`,
  );
}

const refused = (message: string, remedy: string): RollgateError =>
  new RollgateError('CONTROL_REFUSED', message, remedy);
