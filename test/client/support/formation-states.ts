import {
  ClusterFormationSpec,
  ClusterSpec,
  formationStages,
  known,
  unknown,
  type ClusterView,
  type FormationState,
  type FormationView,
  type NodeView,
  type Plan,
  type RunState,
} from '../../../src/contracts/index.js';
import { rolling } from './run-states.js';

export const registry = ClusterSpec.parse({
  name: 'registry',
  system: 'etcd',
  nodes: ['etcd-1', 'etcd-2', 'etcd-3'].map((id, i) => ({
    id,
    address: `127.0.0.1:${2379 + i}`,
    host: { kind: 'local' },
  })),
});

export const formation = ClusterFormationSpec.parse({
  name: 'three',
  cluster: 'registry',
  seed: 'etcd-1',
  version: '3.6.16',
  expand: ['etcd-2', 'etcd-3'],
});

export const formationPlan: Plan = {
  kind: 'possible',
  hash: 'fedcba9876543210',
  cluster: 'registry',
  system: 'etcd',
  target: '3.6.16, init, serve',
  nodes: [
    { id: 'etcd-1', group: 'default', role: 'standalone', from: '3.6.16', to: '3.6.16' },
    { id: 'etcd-2', group: 'default', role: 'none', from: '3.6.16', to: '3.6.16' },
  ],
  steps: [],
  refusals: [],
  windows: [],
  notes: [],
  observedAt: '2026-01-01T00:00:00.000Z',
};

const at = '2026-01-01T00:00:02.000Z';

/** A formation in the middle of its init. */
export function forming(changes: Partial<RunState> = {}, state: Partial<FormationState> = {}): RunState {
  const base = rolling();
  return {
    ...base,
    run: {
      ...base.run,
      workflowId: 'rollgate/registry',
      kind: 'ClusterFormation',
      name: 'three',
      cluster: 'registry',
      system: 'etcd',
    },
    spec: { cluster: registry, formation, stages: formationStages },
    plan: formationPlan,
    phase: 'forming',
    step: 'init/etcd-1',
    steps: [{ id: 'init/etcd-1', title: 'Make a seed of etcd-1', startedAt: at }],
    nodes: [
      {
        id: 'etcd-1',
        group: 'default',
        from: '3.6.16',
        to: '3.6.16',
        roleBefore: 'standalone',
        status: 'drained',
      },
    ],
    gates: [],
    formation: {
      mode: 'preparing',
      checkpoint: 'snapshot-saved',
      checkpoints: [
        { name: 'mode-preparing-written', at },
        { name: 'snapshot-saved', at },
      ],
      token: 'registry-1',
      ...state,
    },
    timeline: [{ at, kind: 'step', node: 'etcd-1', text: 'checkpoint snapshot-saved' }],
    resumeHint: 'rollgate form init -f FILE (the files of cluster registry)',
    ...changes,
  };
}

export const standaloneView: FormationView = {
  mode: known(undefined),
  standalone: {
    mode: 'standalone',
    running: known(true),
    series: known('3.6'),
    members: known(['default']),
    coherent: known(true),
    bytes: known(4096),
    freeBytes: known(1_000_000),
    content: known('revision 12'),
  },
  empty: { 'etcd-2': known(true), 'etcd-3': known(false) },
};

export const preparingView: FormationView = {
  ...standaloneView,
  mode: known({
    mode: 'preparing',
    checkpoint: 'snapshot-saved',
    runId: 'run-1',
    at,
    resumeHint: 'rollgate form init -f FILE (the files of cluster registry)',
  }),
};

const nodeView = (id: string, applied: NodeView['position']): NodeView => ({
  id,
  group: 'default',
  address: '127.0.0.1:2379',
  reachable: known(true),
  role: known(id === 'etcd-1' ? 'primary' : 'replica'),
  version: known('3.6.16'),
  serving: known(true),
  position: applied,
  lag: known(0),
  inSync: known(true),
  upstream: known(undefined),
  epoch: known(7),
  identity: known('c'),
  inFlight: known({ count: 0, oldestMs: 0 }),
  startedAt: unknown('not asked'),
  stop: { verdict: 'unknown', evidence: '' },
});

const clusterView = (primaries: readonly string[]): ClusterView => ({
  cluster: 'registry',
  system: 'etcd',
  observedAt: at,
  positionUnit: 'entries',
  obstacles: [
    { code: 'LEARNER_LEFT', node: 'etcd-2', message: 'etcd-2 is a learner', remedy: 'Promote it.' },
  ],
  groups: [
    {
      id: 'default',
      primaries,
      epoch: known(7),
      durability: known('quorum'),
      nodes: [
        nodeView('etcd-1', known({ offset: 1042, text: 'index 1042' })),
        nodeView('etcd-2', unknown('connection refused')),
      ],
    },
  ],
});

/** A cluster of the seed, a learner that does not answer, and a member that no node of the file is. */
export const clusterOfThree = (primaries: readonly string[] = ['etcd-1']): FormationView => ({
  mode: known({
    mode: 'cluster',
    checkpoint: 'serving',
    runId: 'run-1',
    at,
    resumeHint: 'rollgate form expand -f FILE (the files of cluster registry)',
  }),
  members: known([
    { id: '8e9e05c52164694d', node: 'etcd-1', role: 'voter', started: true },
    { id: '91bc3c398fb3c146', node: 'etcd-2', role: 'learner', started: false },
    { id: 'fd422379fda50e48', node: undefined, role: 'voter', started: true },
  ]),
  view: clusterView(primaries),
  empty: { 'etcd-2': known(false), 'etcd-3': known(true) },
});
