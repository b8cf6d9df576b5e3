import type { Plan } from '../contracts/plan.js';
import { planHash } from './plan/hash.js';
import { planNodes, type PlanInput } from './plan/input.js';
import { notesOf, notesOfDone } from './plan/notes.js';
import { refusalsOf, refusalsOfDone } from './plan/preconditions.js';
import { levelsOf, stepsOf } from './plan/steps.js';
import { acceptedWindows } from './plan/windows.js';

export type { PlanInput } from './plan/input.js';

/**
 * What a run would do, in order, or why it is refused (R-PLAN). Read-only and pure: the same observation gives
 * the same plan, and the same decisions give the same hash.
 */
export function planRollingUpgrade(input: PlanInput): Plan {
  const { cluster, upgrade, view } = input;
  const nodes = planNodes(input);
  const changes = nodes.filter((n) => n.from !== n.to);
  const onTarget = changes.length === 0;
  const steps = onTarget ? [] : stepsOf(input);
  const refusals = onTarget ? refusalsOfDone(input) : refusalsOf(input, changes, steps);
  const kind = refusals.length > 0 ? 'refused' : onTarget ? 'done' : 'possible';
  const plan = {
    kind,
    nodes,
    // Steps of a refused plan would promise what will not be done.
    steps: kind === 'possible' ? steps : [],
    refusals,
    windows: onTarget ? [] : acceptedWindows(input, changes),
  } as const;
  return {
    ...plan,
    hash: planHash(input, plan),
    cluster: cluster.name,
    system: cluster.system,
    target: upgrade.to,
    notes: onTarget ? notesOfDone(input) : notesOf(input, changes, plan.steps),
    means: { handover: input.capabilities.handover, backup: input.capabilities.backup },
    levels: kind === 'possible' ? levelsOf(input) : undefined,
    pointOfNoReturn: plan.steps.find((s) => s.reversibility === 'none')?.id,
    observedAt: view.observedAt,
  };
}
