import type { Reversibility } from '../contracts/plan.js';
import type { RunState } from '../contracts/run.js';
import { undoOfFormation } from './formation/undo.js';
import { undoOfMigration } from './migration/undo.js';

/** What a rollback would do from here, and what it costs (R-SAGA 6). */
export interface UndoOutlook {
  /** In order; empty when nothing of the cluster has been changed. */
  readonly steps: readonly string[];
  /** The dearest of them. */
  readonly price: Reversibility;
  /** The step after which there is no way back; absent: every step can be rolled back. */
  readonly pointOfNoReturn?: string;
}

/** Pure, from the run's own record: the rollback itself decides from a fresh observation. */
export function undoOutlook(state: Pick<RunState, 'nodes' | 'handovers' | 'plan'>): UndoOutlook {
  const fenced = (n: RunState['nodes'][number]): boolean =>
    n.status === 'drained' && state.handovers.some((h) => h.from === n.id && h.promotedAt !== undefined);
  const changed = state.nodes.filter(
    (n) => n.from !== n.to && (n.version === n.to || isOut(n.status) || fenced(n)),
  );
  const primary = (n: RunState['nodes'][number]): boolean =>
    (n.roleAfter ?? n.roleBefore) === 'primary' && !fenced(n);
  const last = state.handovers.findLast((h) => h.result === 'done');
  const pause =
    last?.fencedAt !== undefined && last.promotedAt !== undefined
      ? ` (the last one took ${Date.parse(last.promotedAt) - Date.parse(last.fencedAt)} ms from fence to promotion)`
      : '';
  const { levels } = state.plan ?? {};
  const switched =
    levels !== undefined && levels.from !== levels.to && state.nodes.every((n) => n.version === n.to);
  const steps = [
    ...(switched && changed.length > 0 ? [`switch the level ${levels.to} → ${levels.from}`] : []),
    ...changed.filter((n) => !primary(n)).map((n) => `restart ${n.id} on ${n.from}`),
    ...changed
      .filter(primary)
      .flatMap((n) => [`hand over from ${n.id}: writers wait once${pause}`, `restart ${n.id} on ${n.from}`]),
  ];
  const noReturn = state.plan?.pointOfNoReturn;
  return {
    steps,
    price: steps.length === 0 ? 'free' : 're-roll',
    ...(noReturn === undefined ? {} : { pointOfNoReturn: noReturn }),
  };
}

const isOut = (status: RunState['nodes'][number]['status']): boolean =>
  status === 'upgrading' || status === 'rejoining' || status === 'failed';

/** One line for people: what `rollback` would do now. */
export function describeUndo(state: RunState): string | undefined {
  if (state.run.outcome !== 'running' || state.direction === 'back' || state.nodes.length === 0)
    return undefined;
  if (state.formation && state.spec.formation) {
    return `rollback from here: ${undoOfFormation(state.spec.formation.seed, state.formation)}`;
  }
  if (state.migration) return `rollback from here: ${undoOfMigration(state.migration)}`;
  const { steps, price, pointOfNoReturn } = undoOutlook(state);
  const what = steps.length === 0 ? 'nothing to undo, the run ends' : `${price}: ${steps.join('; ')}`;
  return `rollback from here: ${what}; point of no return: ${pointOfNoReturn ?? 'none'}`;
}
