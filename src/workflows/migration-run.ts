import type { Pair } from '../contracts/migration.js';
import type { MigrationInput, MigrationPhase, MigrationState, RunState } from '../contracts/run.js';
import type { StorageMigrationSpec } from '../contracts/spec.js';
import { objectionToPhase } from '../planning/migration/phases.js';
import { publish } from './publish.js';
import { failStep, newState, now, runOf, tell, type Run, type Way } from './run.js';

export function createMigrationRun(input: MigrationInput, way: Way): Run {
  const { cluster, destination, migration } = input;
  const carry = (state: RunState): MigrationInput => ({ cluster, destination, migration, state });
  if (input.state) return runOf(input.state, way, carry);
  const state = { ...newState({ cluster, destination, migration }), migration: migrationStart() };
  return runOf(state, way, carry);
}

/** Where every migration begins. */
export const migrationStart = (): MigrationState => ({
  phase: 'preflight',
  phases: [{ phase: 'preflight', at: now() }],
  authority: 'source',
  validations: [],
  switches: [],
});

export interface MigrationOf {
  readonly spec: StorageMigrationSpec;
  readonly state: MigrationState;
  readonly pair: Pair;
  /** What every activity of a migration is given. */
  readonly target: { readonly pair: Pair; readonly runId: string };
}

/** The document, the state and the pair of a storage migration. */
export function migrationOf(run: Run): MigrationOf {
  const { migration: state, spec } = run.state;
  if (!state || !spec.migration) {
    failStep('INTERNAL', `a ${run.state.run.kind} has no migration`, 'Report this.');
  }
  const pair = { source: spec.cluster, destination: spec.destination };
  return { spec: spec.migration, state, pair, target: { pair, runId: run.state.run.id } };
}

/** Go on to a phase, if what it needs has been shown. */
export function enter(run: Run, phase: MigrationPhase): void {
  const { state } = migrationOf(run);
  const objection = objectionToPhase(state, phase);
  if (objection !== undefined) {
    failStep('STUCK', objection, 'Roll back, or abort; and report this with the history of the run.');
  }
  state.phase = phase;
  state.phases.push({ phase, at: now() });
  tell(run, 'migration', `phase ${phase}`);
  publish(run.state);
}
