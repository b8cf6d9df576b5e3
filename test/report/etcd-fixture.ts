import type { FormationStage, RunState, SwitchRecord } from '../../src/contracts/index.js';
import { ClusterFormationSpec } from '../../src/contracts/spec.js';
import { at, finishedRun } from './fixture.js';

const sha256 = 'b1'.repeat(32);

/** The switch of {@link switchedRun}: cleared before its last node, and reached when that had changed. */
export const raised: SwitchRecord = {
  group: 'default',
  from: '3.5',
  to: '3.6',
  how: 'by-last-node',
  predicates: [
    { name: 'cluster-healthy', observed: 'pg-1, pg-2, pg-3 answer and serve', at: at(29.95) },
    { name: 'all-on-target', observed: 'pg-2, pg-3 report their target version', at: at(29.95) },
  ],
  clearedAt: at(30.1),
  at: at(43),
  nodesAtLevel: ['pg-1', 'pg-2', 'pg-3'],
};

/** The finished roll, of a system with levels, backups, and a handover by transfer. */
export function switchedRun(...switches: SwitchRecord[]): RunState {
  const run = finishedRun();
  return {
    ...run,
    plan: run.plan && {
      ...run.plan,
      means: { handover: 'transfer', backup: true },
      levels: { from: '3.5', to: '3.6' },
    },
    handovers: run.handovers.map((h) => ({
      ...h,
      fencePosition: undefined,
      candidatePosition: undefined,
      fencedAt: undefined,
    })),
    switches: switches.length === 0 ? [raised] : switches,
    backups: [backup('before-start', 0.6), backup('before-level-3.6', 30)],
  };
}

const backup = (name: string, seconds: number): RunState['backups'][number] => ({
  name,
  content: 'revision 770, 772 keys',
  sha256,
  bytes: 241_696,
  path: `/var/lib/rollgate/artifacts/run/backups/${name}.db`,
  at: at(seconds),
});

const checkpoints = [
  { name: 'mode-preparing-written', at: at(0.5) },
  { name: 'snapshot-saved', at: at(1.9) },
  { name: 'seed-restored', at: at(2) },
  { name: 'seed-verified', at: at(2.8) },
  { name: 'seeded-finalized', at: at(2.9) },
  { name: 'serving', at: at(4.4) },
  { name: 'member-added/etcd-2', at: at(8) },
  { name: 'member-added/etcd-3', at: at(14) },
];

/** From the standalone etcd-1 to three members, all of it in one run. */
export function formedRun(): RunState {
  const whole = finishedRun();
  const nodes = ['etcd-1', 'etcd-2', 'etcd-3'];
  const steps: [string, number, number][] = [
    ['init/etcd-1', 0.4, 2.9],
    ['serve/etcd-1', 3, 4.4],
    ['prepare', 4.5, 6],
    ['expand/etcd-2', 6.2, 8],
    ['expand/etcd-3', 8.4, 14],
  ];
  return {
    ...whole,
    run: {
      ...whole.run,
      workflowId: 'rollgate/config',
      kind: 'ClusterFormation',
      name: 'config-three',
      cluster: 'config',
      system: 'etcd',
      endedAt: at(16),
    },
    spec: specOf(['init', 'serve', 'expand', 'transfer-leader', 'remove-member']),
    plan: whole.plan && {
      ...whole.plan,
      system: 'etcd',
      target: '3.6.16, init, serve, expand, transfer-leader, remove-member',
      means: { handover: 'transfer', backup: true },
      steps: steps.map(([id]) => ({
        id,
        title: id,
        action:
          id === 'prepare'
            ? ({ kind: 'prepare' } as const)
            : ({ kind: 'form', stage: stageOf(id), node: id.split('/')[1] ?? '' } as const),
        reversibility: 'free',
        gates: [],
        approval: false,
        effects: [],
      })),
    },
    steps: steps.map(([id, from, to]) => ({
      id,
      title: id,
      startedAt: at(from),
      endedAt: at(to),
      result: 'done',
    })),
    nodes: nodes.map((id, i) => ({
      id,
      group: 'default',
      from: '3.6.16',
      to: '3.6.16',
      roleBefore: i === 0 ? 'standalone' : 'none',
      roleAfter: 'voter',
      status: 'complete',
      version: '3.6.16',
      startedAt: at(i * 4 + 0.4),
      endedAt: at(i * 4 + 4.4),
    })),
    gates: [],
    handovers: [],
    decisions: [],
    faults: [],
    samples: [],
    timeline: [
      { at: at(0.4), kind: 'node', step: 'init/etcd-1', node: 'etcd-1', text: 'etcd-1 draining' },
      { at: at(4.4), kind: 'node', step: 'serve/etcd-1', node: 'etcd-1', text: 'etcd-1 complete' },
      { at: at(6), kind: 'probe', step: 'prepare', text: 'the probe writes with 8 writers' },
      { at: at(16), kind: 'step', text: 'the run is completed' },
    ],
    formation: {
      mode: 'cluster',
      checkpoint: 'member-added/etcd-3',
      checkpoints: [...checkpoints],
      token: 'config-1',
      snapshot: {
        path: '/srv/config/etcd-1/rollgate/snapshot.db',
        sha256,
        bytes: 20_512,
        content: 'revision 1001, 1000 keys',
        hash: 'hash 1084519789 at revision 1001, never compacted',
      },
      kept: '/srv/config/etcd-1/data.standalone-1',
      wasRunning: true,
    },
  };
}

/** `rollgate form init` alone: the seed is made and serves nobody yet. */
export function seededRun(): RunState {
  const whole = formedRun();
  return {
    ...whole,
    run: { ...whole.run, endedAt: at(3) },
    spec: specOf(['init']),
    plan: whole.plan && { ...whole.plan, steps: whole.plan.steps.slice(0, 1) },
    steps: whole.steps.slice(0, 1),
    nodes: whole.nodes.map((n, i) => ({
      ...n,
      roleAfter: undefined,
      status: i === 0 ? 'upgrading' : 'pending',
      version: undefined,
      startedAt: i === 0 ? n.startedAt : undefined,
      endedAt: undefined,
    })),
    timeline: whole.timeline.filter((e) => Date.parse(e.at) < Date.parse(at(3))),
    formation: whole.formation && {
      ...whole.formation,
      mode: 'seeded',
      checkpoint: 'seeded-finalized',
      checkpoints: checkpoints.slice(0, 5),
    },
    writes: undefined,
  };
}

function specOf(stages: readonly FormationStage[]): RunState['spec'] {
  const { cluster } = finishedRun().spec;
  const formation = ClusterFormationSpec.parse({
    name: 'config-three',
    cluster: 'config',
    seed: 'etcd-1',
    version: '3.6.16',
    expand: ['etcd-2', 'etcd-3'],
  });
  return { cluster: { ...cluster, name: 'config', system: 'etcd' }, formation, stages };
}

const stageOf = (id: string): FormationStage =>
  id.startsWith('init/') ? 'init' : id.startsWith('serve/') ? 'serve' : 'expand';
