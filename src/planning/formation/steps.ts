import { valueOf } from '../../contracts/observed.js';
import type { GateName } from '../../contracts/gate.js';
import type { PlanStep, Reversibility } from '../../contracts/plan.js';
import type { FormationStage } from '../../contracts/spec.js';
import type { NodeId } from '../../contracts/view.js';
import { duration } from '../plan/duration.js';
import type { FormationPlanInput } from './plan.js';

/** The stages that are asked for and still to be done, in order. */
export function stepsOfFormation(input: FormationPlanInput): PlanStep[] {
  const { formation, stages, view } = input;
  const { seed } = formation;
  const mode = valueOf(view.mode)?.mode ?? 'standalone';
  const members = (view.members && valueOf(view.members)) ?? [];
  const voters = members.filter((m) => m.role === 'voter').map((m) => m.node);
  const leads = view.view?.groups[0]?.primaries[0];
  const asked = (stage: FormationStage): boolean => stages.includes(stage);
  const fresh = mode === 'standalone' || mode === 'preparing';
  return [
    ...(asked('init') && fresh ? [init(input)] : []),
    ...(asked('serve') && mode !== 'cluster' ? [serve(input)] : []),
    ...(asked('expand')
      ? formation.expand
          .filter((id) => !voters.includes(id) && !formation.remove.includes(id))
          .map((id) => expand(input, id))
      : []),
    ...(asked('transfer-leader') && formation.leader !== undefined && formation.leader !== leads
      ? [transfer(input, formation.leader)]
      : []),
    ...(asked('remove-member')
      ? formation.remove
          .filter((id) => mode !== 'cluster' || members.some((m) => m.node === id))
          .map((id) => remove(id, id === (formation.leader ?? leads ?? seed)))
      : []),
  ];
}

function step(
  stage: FormationStage,
  node: NodeId,
  rest: {
    title: string;
    gates: readonly GateName[];
    effects: readonly string[];
    reversibility: Reversibility;
  },
): PlanStep {
  return { id: `${stage}/${node}`, action: { kind: 'form', stage, node }, approval: false, ...rest };
}

const init = ({ formation }: FormationPlanInput): PlanStep =>
  step('init', formation.seed, {
    title: `Make a seed of ${formation.seed}`,
    reversibility: 'free',
    gates: ['seed-verified'],
    effects: [
      `marks the data of ${formation.seed} as preparing: nothing starts it as a standalone any more; then stops it, from here clients wait`,
      'saves a snapshot that holds every acknowledged write, made from a copy of the data',
      'restores it as the first member of a new cluster, in a directory of ours beside the data',
      'starts that seed where no client reaches it and compares it with the snapshot, hash by hash',
      `puts the seed in the place of the standalone, whose data is kept beside it, and marks it as seeded`,
      'until that last moment the standalone is untouched, and rollback makes it an ordinary one again',
    ],
  });

const serve = ({ formation }: FormationPlanInput): PlanStep =>
  step('serve', formation.seed, {
    title: `Let ${formation.seed} serve as a cluster of one`,
    reversibility: 'restore',
    gates: ['node-healthy', 'version-reported', 'one-primary'],
    effects: [
      `starts ${formation.seed} on ${formation.version}; its first success makes it a cluster; clients write again`,
      "from here the way back is the standalone's kept data, without what was written since",
    ],
  });

const expand = ({ formation }: FormationPlanInput, node: NodeId): PlanStep =>
  step('expand', node, {
    title: `Add ${node}`,
    reversibility: 're-roll',
    gates: [
      'cluster-healthy',
      'one-primary',
      'no-obstacles',
      'learner-caught-up',
      'node-healthy',
      'version-reported',
      'caught-up',
      'canary-replicated',
    ],
    effects: [
      `enters ${node} as a learner, without a vote; an interruption takes it out again`,
      `installs ${formation.version} and starts it on an empty data directory`,
      `gives it its vote when it is at most ${formation.learnerLag} behind, and verifies it in the member list and on ${node} itself`,
      'proves replication with a canary',
    ],
  });

const transfer = (_input: FormationPlanInput, to: NodeId): PlanStep =>
  step('transfer-leader', to, {
    title: `Let ${to} lead`,
    reversibility: 're-roll',
    gates: ['candidate-in-sync', 'canary-replicated', 'epoch-grew', 'replicas-follow'],
    effects: [
      `transfers leadership to ${to} when it has every entry, and verifies it by asking every member`,
    ],
  });

const remove = (node: NodeId, leads: boolean): PlanStep =>
  step('remove-member', node, {
    title: `Remove ${node}`,
    reversibility: 're-roll',
    gates: ['cluster-healthy', 'one-primary', 'quorum-without-node', 'others-in-sync'],
    effects: [
      ...(leads ? [`transfers leadership away from ${node} first`] : []),
      `takes ${node} out of the member list, and verifies that it is gone from the list of the leader and serves nobody`,
      `leaves its data directory where it is; started again it stays out`,
    ],
  });

export function prepareStep({ formation, capabilities }: FormationPlanInput): PlanStep {
  const { probe } = formation;
  return {
    id: 'prepare',
    title: 'Prepare',
    action: { kind: 'prepare' },
    reversibility: 'free',
    approval: false,
    gates: capabilities.backup ? ['copies-identical', 'backup-verified'] : [],
    effects: [
      ...(capabilities.backup ? ['saves a backup and verifies that it can be restored'] : []),
      'creates scratch objects of its own, for canaries and the write ledger',
      probe.enabled
        ? `starts the probe: ${probe.writers === 1 ? '1 writer' : `${probe.writers} writers`}, one write each every ${duration(probe.interval)}`
        : 'starts no probe: nothing will be proven about the writes of clients',
    ],
  };
}

export function finishStep({ formation, capabilities }: FormationPlanInput): PlanStep {
  return {
    id: 'finish',
    title: 'Finish',
    action: { kind: 'finish' },
    reversibility: 'free',
    approval: false,
    gates: [
      'cluster-healthy',
      'one-primary',
      'all-on-target',
      ...(capabilities.backup ? (['copies-identical'] as const) : []),
    ],
    effects: [
      'verifies every member that there is, and compares their copies',
      ...(formation.probe.enabled
        ? ['stops the probe, if one was started, and reads every write it had acknowledged back']
        : []),
      'removes what it had created, and writes summary and report',
    ],
  };
}
