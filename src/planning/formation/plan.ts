import type { FormationView } from '../../contracts/activities.js';
import { valueOf } from '../../contracts/observed.js';
import type { ArtifactReport, Plan, PlanNode, PlanStep, VersionRules } from '../../contracts/plan.js';
import type { ClusterFormationSpec, ClusterSpec, FormationStage } from '../../contracts/spec.js';
import { decidedSteps, hashOf } from '../plan/hash.js';
import { refusalsOfFormation } from './refusals.js';
import { finishStep, prepareStep, stepsOfFormation } from './steps.js';

export interface FormationPlanInput {
  readonly cluster: ClusterSpec;
  readonly formation: ClusterFormationSpec;
  readonly stages: readonly FormationStage[];
  readonly view: FormationView;
  readonly artifacts: readonly ArtifactReport[];
  readonly capabilities: {
    readonly formation: boolean;
    readonly transfer: boolean;
    readonly probe: boolean;
    readonly backup: boolean;
  };
  readonly rules: VersionRules;
  /** ISO 8601. */
  readonly observedAt: string;
  /** A cryptographic digest, hexadecimal: passed in, because planning is pure. */
  readonly digest: (text: string) => string;
}

/** What a formation would do, in order, or why it is refused. Read-only and pure. */
export function planFormation(input: FormationPlanInput): Plan {
  const { cluster, formation, stages } = input;
  const steps = stepsOfFormation(input);
  const refusals = refusalsOfFormation(input, steps);
  const kind = refusals.length > 0 ? 'refused' : steps.length === 0 ? 'done' : 'possible';
  const shown = kind === 'possible' ? framed(input, steps) : [];
  const nodes = nodesOf(input);
  const decided = {
    cluster,
    formation,
    stages,
    kind,
    nodes,
    steps: decidedSteps(shown),
    refusals: refusals.map((r) => `${r.code} ${r.node ?? ''}`).sort(),
  };
  return {
    kind,
    hash: hashOf(decided, input.digest),
    cluster: cluster.name,
    system: cluster.system,
    target: `${formation.version}, ${stages.join(', ')}`,
    nodes,
    steps: shown,
    refusals,
    windows: [],
    means: {
      handover: input.capabilities.transfer ? 'transfer' : undefined,
      backup: input.capabilities.backup,
    },
    notes: notesOf(input, shown),
    pointOfNoReturn: shown.find((s) => s.reversibility === 'none' || s.reversibility === 'restore')?.id,
    observedAt: input.observedAt,
  };
}

/** With what every run has at its beginning and end; the probe is there as soon as members serve. */
function framed(input: FormationPlanInput, steps: readonly PlanStep[]): PlanStep[] {
  const { before } = input.formation.approvals;
  const seeding = steps.filter(({ action }) => isSeeding(action));
  const changing = steps.filter(({ action }) => !isSeeding(action));
  const all = [
    ...seeding,
    ...(changing.length > 0 ? [prepareStep(input), ...changing] : []),
    finishStep(input),
  ];
  return all.map((step, i) => ({
    ...step,
    approval: before.includes(step.id) || (i === 0 && before.includes('start')),
  }));
}

const isSeeding = (action: PlanStep['action']): boolean =>
  action.kind === 'form' && (action.stage === 'init' || action.stage === 'serve');

function nodesOf({ cluster, formation, view }: FormationPlanInput): PlanNode[] {
  const members = (view.members && valueOf(view.members)) ?? [];
  const ids = [formation.seed, ...formation.expand, ...formation.remove];
  return cluster.nodes
    .filter((n) => ids.includes(n.id) || members.some((m) => m.node === n.id))
    .map(({ id, group }) => {
      const member = members.find((m) => m.node === id);
      const role = member?.role ?? (id === formation.seed ? 'standalone' : 'none');
      return { id, group, role, from: formation.version, to: formation.version };
    });
}

function notesOf({ formation, view }: FormationPlanInput, steps: readonly PlanStep[]): string[] {
  const record = valueOf(view.mode);
  return [
    ...(record ? [`${formation.seed} is ${record.mode}, checkpoint ${record.checkpoint}`] : []),
    ...(steps.some((s) => s.action.kind === 'form' && s.action.stage === 'init')
      ? [`from init to serve ${formation.seed} serves nobody: this is the time that clients wait`]
      : []),
    ...(formation.expand.length === 1
      ? ['two members have no more fault tolerance than one: expand to three']
      : []),
  ];
}
