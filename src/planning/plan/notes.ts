import type { PlanNode, PlanStep } from '../../contracts/plan.js';
import { valueOf } from '../../contracts/observed.js';
import { knownBad, series } from '../version-path.js';
import type { PlanInput } from './input.js';
import { stateRefusals } from './preconditions.js';
import { acceptableNames, acceptedStop } from './windows.js';

/** What a reader should know, and what forbids nothing. */
export function notesOf(
  input: PlanInput,
  changes: readonly PlanNode[],
  steps: readonly PlanStep[],
): readonly string[] {
  return [
    ...badVersionNotes(input, changes),
    ...windowNotes(input, steps),
    ...durabilityNotes(input),
    ...acceptNotes(input, changes),
  ];
}

/** A cluster that is on the target and not well: nothing to do for a run, but not to be passed over. */
export const notesOfDone = (input: PlanInput): readonly string[] => [
  ...stateRefusals(input, []).map((r) => `every node is on ${input.upgrade.to}, but: ${r.message}`),
  ...levelNotes(input),
  ...runningBadNotes(input),
];

/** Nothing is left for a run to change, and the level is not where the nodes are. */
const levelNotes = ({ upgrade, rules, view }: PlanInput): string[] =>
  rules.levels === undefined
    ? []
    : view.groups.flatMap(({ id, level }) => {
        const [active, lowering] = [level && valueOf(level.active), level && valueOf(level.lowering)];
        const but = `every node is on ${upgrade.to}, but: group ${id}`;
        if (lowering !== undefined) return [`${but} is being lowered to level ${lowering}`];
        return active === undefined || active === series(upgrade.to, rules)
          ? []
          : [`${but} is on level ${active}`];
      });

function badVersionNotes(input: PlanInput, changes: readonly PlanNode[]): string[] {
  return [...new Set(changes.map((n) => n.from))].flatMap((version) => {
    const bad = knownBad(version, input.rules);
    return bad ? [`${version} is known to be bad (${bad.reason}; ${bad.source}): this plan leaves it`] : [];
  });
}

function runningBadNotes({ upgrade, rules }: PlanInput): string[] {
  const bad = knownBad(upgrade.to, rules);
  return bad
    ? [`${upgrade.to} is known to be bad (${bad.reason}; ${bad.source}): choose a later target`]
    : [];
}

function windowNotes(input: PlanInput, steps: readonly PlanStep[]): string[] {
  const open = new Map<string, string[]>();
  for (const { id, action } of steps) {
    const stopped = action.kind === 'handover' ? action.from : action.kind === 'replace' ? action.node : '';
    const window = acceptedStop(input, stopped);
    if (window) open.set(window.name, [...(open.get(window.name) ?? []), id]);
  }
  return [...open].map(([name, ids]) => `the window ${name} is open during ${ids.join(', ')}`);
}

function durabilityNotes({ view }: PlanInput): string[] {
  return view.groups
    .filter((g) => valueOf(g.durability) === 'asynchronous')
    .map(
      (g) =>
        `group ${g.id} acknowledges writes on its primary alone: a crash of it, by whatever cause, loses what no replica has; a handover does not`,
    );
}

function acceptNotes(input: PlanInput, changes: readonly PlanNode[]): string[] {
  const offered = acceptableNames(input);
  const used = new Set(changes.flatMap((n) => acceptedStop(input, n.id)?.name ?? []));
  const passedOver = input.view.obstacles.map((o) => o.acceptAs);
  return [...new Set(input.upgrade.accept)]
    .filter((name) => !used.has(name) && !passedOver.includes(name))
    .map((name) =>
      offered.has(name)
        ? `spec.accept names ${name}, which this plan does not need`
        : `UNKNOWN_ACCEPT: spec.accept names ${name}, which is no window or obstacle of this cluster now`,
    );
}
