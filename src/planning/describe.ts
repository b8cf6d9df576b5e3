import type { PipelinePlan, Plan, PlanStep, Refusal, Reversibility } from '../contracts/plan.js';
import type { RunState } from '../contracts/run.js';

/**
 * A plan as a person reads it before approving: plain text, aligned, for a terminal or a log.
 *
 * @param kind of the run that it is the plan of; default: a migration or a rolling upgrade, as its nodes say
 */
export function describePlan(plan: Plan, kind: RunState['run']['kind'] = kindOf(plan)): string {
  const sections = [
    heading(plan, kind),
    nodesOf(plan, kind),
    ...plan.refusals.map(describeRefusal),
    ...plan.steps.map(describeStep),
    plan.windows.map((w) => `accepted: ${w.name}\n    ${w.risk}`),
    plan.notes.map((note) => `note: ${note}`),
    plan.kind === 'possible' ? [lastWord(plan)] : [],
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

const kindOf = ({ nodes }: Plan): RunState['run']['kind'] =>
  nodes.some((n) => n.role === 'destination') ? 'StorageMigration' : 'RollingUpgrade';

function nodesOf({ nodes }: Plan, kind: RunState['run']['kind']): string[] {
  switch (kind) {
    case 'ClusterFormation':
      return table(
        ['node', 'group', 'role now'],
        nodes.map((n) => [n.id, n.group, n.role]),
      );
    case 'StorageMigration':
      return table(
        ['node', 'group', 'side', 'version'],
        nodes.map((n) => [n.id, n.group, n.role, n.from === '' ? 'unknown' : n.from]),
      );
    case 'RollingUpgrade':
      return table(
        ['node', 'group', 'role', 'from', 'to'],
        nodes.map((n) => [n.id, n.group, n.role, n.from, n.from === n.to ? 'already there' : n.to]),
      );
  }
}

/** The plans of all stages, and the one hash that stands for them. */
export const describePipelinePlan = (plan: PipelinePlan): string =>
  [
    [
      `Pipeline of ${plan.stages.length} stages: ${plan.kind}`,
      `plan ${plan.hash}`,
      ...(plan.pointOfNoReturn
        ? [`point of no return: ${plan.pointOfNoReturn.step} of stage ${plan.pointOfNoReturn.stage}`]
        : []),
    ].join('\n'),
    ...plan.stages.map(
      ({ name, plan: stage }, i) =>
        `stage ${i + 1}: ${name}${i === 0 ? '' : ', from what the stages before leave'}\n${describePlan(stage)}`,
    ),
  ].join('\n\n');

function heading(plan: Plan, kind: RunState['run']['kind']): string[] {
  const verdicts: Record<Plan['kind'], string> = {
    possible: 'possible',
    done: `nothing to do, ${kind === 'ClusterFormation' ? 'every stage is done' : 'every node is on the target'}`,
    refused: 'refused, nothing has been changed',
  };
  const of = `of ${plan.cluster} (${plan.system})`;
  const titles: Record<RunState['run']['kind'], string> = {
    RollingUpgrade: `Rolling upgrade ${of} to`,
    ClusterFormation: `Cluster formation ${of} on`,
    StorageMigration: `Storage migration ${of} to`,
  };
  return [
    `${titles[kind]} ${plan.target}: ${verdicts[plan.kind]}`,
    `plan ${plan.hash}, observed ${plan.observedAt}`,
  ];
}

const describeRefusal = (refusal: Refusal): string[] => [
  `refused: ${refusal.code}${refusal.node === undefined ? '' : ` (${refusal.node})`}`,
  `    ${refusal.message}`,
  `    remedy: ${refusal.remedy}`,
];

const prices: Record<Reversibility, string> = {
  free: 'nothing to undo',
  're-roll': 'undone by rolling back to the former version',
  'cut-back': 'undone by switching back to the copy kept current',
  restore: 'undone only from a backup',
  none: 'cannot be undone',
};

function describeStep(step: PlanStep, index: number): string[] {
  return [
    `${`${index + 1}.`.padEnd(4)}${step.title}`,
    `    step: ${step.id}`,
    ...step.effects.map((effect) => `    - ${effect}`),
    ...(step.gates.length > 0 ? wrapped('    gates: ', step.gates) : []),
    `    reversible: ${step.reversibility}, ${prices[step.reversibility]}`,
    ...(step.approval ? ['    waits for an approval'] : []),
  ];
}

function lastWord(plan: Plan): string {
  const waits = plan.steps.filter((s) => s.approval).map((s) => s.id);
  return [
    `approvals: ${waits.length > 0 ? `before ${waits.join(', ')}; bound to plan ${plan.hash}` : 'none'}`,
    `point of no return: ${plan.pointOfNoReturn ?? 'none, every step can be rolled back'}`,
  ].join('\n');
}

const width = 100;

/** A list that goes on below its first word. */
function wrapped(label: string, words: readonly string[]): string[] {
  const lines: string[] = [];
  let line = label;
  words.forEach((word, i) => {
    const text = i < words.length - 1 ? `${word}, ` : word;
    if (line.trimEnd() !== label.trimEnd() && line.length + text.trimEnd().length > width) {
      lines.push(line.trimEnd());
      line = ' '.repeat(label.length);
    }
    line += text;
  });
  return [...lines, line];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((h, i) => Math.max(h.length, ...rows.map((r) => (r[i] ?? '').length)));
  return [head, ...rows].map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
