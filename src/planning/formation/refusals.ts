import { valueOf } from '../../contracts/observed.js';
import type { ArtifactReport, PlanStep, Refusal } from '../../contracts/plan.js';
import type { StandaloneView } from '../../contracts/ports/data-system.js';
import type { FormationStage } from '../../contracts/spec.js';
import type { NodeId } from '../../contracts/view.js';
import { series } from '../version-path.js';
import type { FormationPlanInput } from './plan.js';

/** Every reason why a formation must not start; nothing has been changed. */
export function refusalsOfFormation(input: FormationPlanInput, steps: readonly PlanStep[]): Refusal[] {
  const { view, formation } = input;
  if (!input.capabilities.formation) {
    return [
      {
        code: 'FORMATION_UNSUPPORTED',
        message: `${input.cluster.system} forms no cluster from a standalone`,
        remedy: 'Use the tools of the system.',
      },
    ];
  }
  if (view.mode.kind === 'unknown') {
    return [
      {
        code: 'MODE_UNKNOWN',
        node: formation.seed,
        message: `the mode of ${formation.seed} is not known: ${view.mode.reason}`,
        remedy: 'Make its mode file readable for the worker, then plan again.',
      },
    ];
  }
  const needsInit = steps.some((s) => s.action.kind === 'form' && s.action.stage === 'init');
  // What is named wrongly is refused for that, and not for what is then missing of it.
  const named = steps.filter((s) => !isMisnamed(input, s));
  return [
    ...tooEarly(input),
    ...nodeRefusals(input),
    ...tooFewRefusals(input, named),
    ...(needsInit ? standaloneRefusals(input, view.standalone) : []),
    ...memberRefusals(input),
    ...targetRefusals(input, named),
    ...artifactRefusals(input, named),
    ...(formation.probe.enabled && !input.capabilities.probe
      ? [
          {
            code: 'PROBE_UNSUPPORTED',
            message: `the probe is on, and ${input.cluster.system} has none`,
            remedy: 'Set probe.enabled to false, and measure by other means.',
          },
        ]
      : []),
    ...unknownApprovals(input, steps),
  ];
}

/** A stage needs what an earlier one makes. */
function tooEarly({ view, stages, formation }: FormationPlanInput): Refusal[] {
  const mode = valueOf(view.mode)?.mode ?? 'standalone';
  const missing =
    (mode === 'standalone' || mode === 'preparing') && !stages.includes('init')
      ? 'init'
      : mode === 'seeded' && !stages.includes('serve')
        ? 'serve'
        : undefined;
  if (missing === undefined || (mode === 'seeded' && stages.every((s) => s === 'init'))) return [];
  return [
    {
      code: 'STAGE_TOO_EARLY',
      node: formation.seed,
      message: `${formation.seed} is ${mode}; ${stages.join(', ')} needs ${missing} before`,
      remedy: `Run rollgate form ${missing} first.`,
    },
  ];
}

function nodeRefusals({ cluster, formation }: FormationPlanInput): Refusal[] {
  const named: [string, NodeId][] = [
    ['seed', formation.seed],
    ...formation.expand.map((id): [string, NodeId] => ['expand', id]),
    ...formation.remove.map((id): [string, NodeId] => ['remove', id]),
    ...(formation.leader === undefined ? [] : [['leader', formation.leader] as [string, NodeId]]),
  ];
  const unknown = named.filter(([, id]) => !cluster.nodes.some((n) => n.id === id));
  const after = [formation.seed, ...formation.expand].filter((id) => !formation.remove.includes(id));
  return [
    ...unknown.map(([key, id]) => ({
      code: 'UNKNOWN_NODE',
      node: id,
      message: `${key} names ${id}, which is no node of cluster ${cluster.name}`,
      remedy: `Name one of ${cluster.nodes.map((n) => n.id).join(', ')}, or add ${id} to the cluster file.`,
    })),
    ...(formation.expand.includes(formation.seed)
      ? [
          {
            code: 'UNKNOWN_NODE',
            node: formation.seed,
            message: `expand names the seed ${formation.seed}, which is a member from the beginning`,
            remedy: 'Take it out of expand.',
          },
        ]
      : []),
    ...(after.length === 0
      ? [
          {
            code: 'NO_MEMBER_LEFT',
            message: 'every member would be removed',
            remedy: 'Leave at least one member out of remove.',
          },
        ]
      : []),
  ];
}

/** Of two members each is needed for a write, so none of them can be taken away: the gate would hold for ever. */
function tooFewRefusals({ view }: FormationPlanInput, steps: readonly PlanStep[]): Refusal[] {
  const members = (view.members && valueOf(view.members)) ?? [];
  const count = (stage: FormationStage): number =>
    steps.filter(({ action }) => action.kind === 'form' && action.stage === stage).length;
  const leaving = steps.filter(({ action }) => action.kind === 'form' && action.stage === 'remove-member');
  const before = Math.max(1, members.filter((m) => m.role === 'voter').length) + count('expand');
  return leaving.flatMap(({ action }, i): Refusal[] => {
    if (action.kind !== 'form' || before - i >= 3) return [];
    return [
      {
        code: 'TOO_FEW_MEMBERS',
        node: action.node,
        message: `when ${action.node} is removed there are ${before - i} members, and each is needed for a write`,
        remedy: 'Expand to at least three members before one is removed.',
      },
    ];
  });
}

function isMisnamed({ cluster, formation }: FormationPlanInput, { action }: PlanStep): boolean {
  if (action.kind !== 'form') return false;
  const declared = cluster.nodes.some((n) => n.id === action.node);
  return !declared || (action.stage === 'expand' && action.node === formation.seed);
}

function standaloneRefusals({ formation, rules }: FormationPlanInput, seen?: StandaloneView): Refusal[] {
  const { seed } = formation;
  if (!seen)
    return [
      { code: 'SEED_UNKNOWN', node: seed, message: `${seed} was not looked at`, remedy: 'Plan again.' },
    ];
  const dark = [
    ...facts(seen.coherent, 'whether its data is whole'),
    ...facts(seen.members, 'the members that its data names'),
    ...facts(seen.series, 'the version of its data'),
    ...facts(seen.bytes, 'its size'),
    ...facts(seen.freeBytes, 'the space on its disk'),
    ...facts(seen.running, 'whether it runs'),
  ];
  const refusals: Refusal[] = [];
  const refuse = (code: string, message: string, remedy: string): void =>
    void refusals.push({ code, node: seed, message, remedy });
  if (dark.length > 0) {
    refuse(
      'SEED_UNKNOWN',
      `not known of ${seed}: ${dark.join('; ')}`,
      'Make its data readable for the worker, then plan again.',
    );
  }
  if (valueOf(seen.coherent) === false) {
    refuse(
      'SEED_INCOHERENT',
      `the data of ${seed} is not whole`,
      'Restore it from a backup, then plan again.',
    );
  }
  const members = valueOf(seen.members);
  if (members && members.length !== 1) {
    refuse(
      'NOT_STANDALONE',
      `the data of ${seed} names ${members.length} members: ${members.join(', ')}`,
      'Only a standalone is made a seed: it is part of a cluster already. Expand that cluster, or name the right directory.',
    );
  }
  const seriesSeen = valueOf(seen.series);
  const wanted = series(formation.version, rules);
  if (seriesSeen !== undefined && seriesSeen !== wanted) {
    refuse(
      'VERSION_MISMATCH',
      `the data of ${seed} is of ${seriesSeen}, and the formation runs ${formation.version}`,
      `Form the cluster on a release of ${seriesSeen}, and upgrade it afterwards.`,
    );
  }
  const [bytes, free] = [valueOf(seen.bytes), valueOf(seen.freeBytes)];
  // The copy, the snapshot and the seed are there at the same time.
  if (bytes !== undefined && free !== undefined && free < 3 * bytes) {
    refuse(
      'DISK_TOO_SMALL',
      `the disk of ${seed} has ${free} bytes free; a copy, a snapshot and the seed need about ${3 * bytes}`,
      'Make room, then plan again.',
    );
  }
  return refusals;
}

const facts = (fact: { kind: string; reason?: string }, what: string): string[] =>
  fact.kind === 'unknown' ? [`${what} (${fact.reason ?? ''})`] : [];

function memberRefusals({ view, cluster }: FormationPlanInput): Refusal[] {
  if (!view.members) return [];
  if (view.members.kind === 'unknown') {
    return [
      {
        code: 'NO_QUORUM',
        message: `the member list cannot be read: ${view.members.reason}`,
        remedy: 'Let the members elect a leader, then plan again.',
      },
    ];
  }
  const foreign = view.members.value.filter((m) => m.node === undefined);
  return foreign.map((m) => ({
    code: 'FOREIGN_MEMBER',
    message: `the member list has ${m.id}, which is no node of cluster ${cluster.name}`,
    remedy: 'Add it to the cluster file, or remove it, then plan again.',
  }));
}

/** A directory that holds something may hold somebody's data. A learner of ours that was interrupted is gone on with. */
function targetRefusals({ view }: FormationPlanInput, steps: readonly PlanStep[]): Refusal[] {
  const members = (view.members && valueOf(view.members)) ?? [];
  return steps.flatMap(({ action }): Refusal[] => {
    if (action.kind !== 'form' || action.stage !== 'expand') return [];
    if (members.some((m) => m.node === action.node)) return [];
    const empty = view.empty[action.node];
    if (empty && valueOf(empty) === true) return [];
    const seen = empty?.kind === 'unknown' ? `cannot be read: ${empty.reason}` : 'is not empty';
    return [
      {
        code: 'TARGET_NOT_EMPTY',
        node: action.node,
        message: `the data directory of ${action.node} ${seen}`,
        remedy: 'Move what is in it away, or name another directory, then plan again.',
      },
    ];
  });
}

function artifactRefusals(
  { artifacts, formation }: FormationPlanInput,
  steps: readonly PlanStep[],
): Refusal[] {
  const needed = new Set(
    steps.flatMap(({ action }) =>
      action.kind === 'form' && action.stage !== 'remove-member' && action.stage !== 'transfer-leader'
        ? [action.node]
        : [],
    ),
  );
  return [...needed].flatMap((node): Refusal[] => {
    const state = artifacts.find((a) => a.node === node && a.version === formation.version)?.state;
    if (state?.kind === 'ok') return [];
    return [
      {
        code: state?.kind === 'differs' ? 'ARTIFACT_MISMATCH' : 'ARTIFACT_ABSENT',
        node,
        message: `${formation.version} for ${node}: ${seenOf(state)}`,
        remedy: `Put the declared artifact of ${formation.version} on the host of ${node}, then plan again.`,
      },
    ];
  });
}

function seenOf(state: ArtifactReport['state'] | undefined): string {
  switch (state?.kind) {
    case 'absent':
      return `there is nothing at ${state.path}`;
    case 'differs':
      return `its host has sha256 ${state.actual}, the cluster file declares ${state.expected}`;
    case 'undeclared':
      return 'the cluster file declares no artifact of it';
    case 'unknown':
      return `it could not be verified: ${state.reason}`;
    case 'ok':
    case undefined:
      return 'it was not verified';
  }
}

function unknownApprovals({ formation }: FormationPlanInput, steps: readonly PlanStep[]): Refusal[] {
  const known = new Set(['start', 'prepare', ...steps.map((s) => s.id), 'finish']);
  return formation.approvals.before
    .filter(
      (name) => !known.has(name) && !/^(init|serve|expand|transfer-leader|remove-member)\/.+$/.test(name),
    )
    .map((name) => ({
      code: 'UNKNOWN_STEP',
      message: `approvals.before names ${name}, which is no step of this plan`,
      remedy: `Use some of ${[...known].join(', ')}; or leave it out.`,
    }));
}
