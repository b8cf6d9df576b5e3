import {
  ClusterSpec,
  RollingUpgradeSpec,
  type Outcome,
  type Plan,
  type RunState,
} from '../../../src/contracts/index.js';

export const cluster = ClusterSpec.parse({
  name: 'orders',
  system: 'postgres',
  nodes: [
    { id: 'pg-1', address: 'db-1.example:5432', host: { kind: 'local' } },
    { id: 'pg-2', address: 'db-2.example:5432', host: { kind: 'local' } },
  ],
});

export const upgrade = RollingUpgradeSpec.parse({ name: 'orders-17.10', cluster: 'orders', to: '17.10' });

export const plan: Plan = {
  kind: 'possible',
  hash: '0123456789abcdef',
  cluster: 'orders',
  system: 'postgres',
  target: '17.10',
  nodes: [
    { id: 'pg-1', group: 'default', role: 'primary', from: '17.5', to: '17.10' },
    { id: 'pg-2', group: 'default', role: 'replica', from: '17.5', to: '17.10' },
  ],
  steps: [],
  refusals: [],
  windows: [],
  notes: [],
  observedAt: '2026-01-01T00:00:00.000Z',
};

const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds)).toISOString();

/** A run in the middle of its first replica. */
export function rolling(changes: Partial<RunState> = {}): RunState {
  return {
    schemaVersion: 1,
    run: {
      id: '7f3c1c1e-0000-4000-8000-000000000001',
      workflowId: 'rollgate/orders',
      kind: 'RollingUpgrade',
      name: 'orders-17.10',
      cluster: 'orders',
      system: 'postgres',
      startedAt: at(0),
      outcome: 'running',
    },
    spec: { cluster, upgrade },
    plan,
    phase: 'rolling',
    direction: 'forward',
    step: 'replace/pg-2',
    steps: [{ id: 'replace/pg-2', title: 'Replace pg-2', startedAt: at(1) }],
    nodes: [
      {
        id: 'pg-1',
        group: 'default',
        from: '17.5',
        to: '17.10',
        roleBefore: 'primary',
        status: 'pending',
        version: '17.5',
        lag: 0,
      },
      {
        id: 'pg-2',
        group: 'default',
        from: '17.5',
        to: '17.10',
        roleBefore: 'replica',
        status: 'draining',
        version: '17.5',
        lag: 4096,
      },
    ],
    gates: [
      {
        name: 'cluster-healthy',
        verdict: 'pass',
        observed: '2 of 2 serve',
        required: 'all serve',
        at: at(1),
      },
      {
        name: 'lag-zero',
        node: 'pg-2',
        verdict: 'hold',
        observed: 'lag 4096',
        required: 'lag 0',
        at: at(2),
      },
    ],
    handovers: [],
    switches: [],
    backups: [],
    ledger: [],
    compensations: [],
    decisions: [],
    timeline: [
      { at: at(0), kind: 'step', text: 'plan 0123456789abcdef is possible' },
      { at: at(1), kind: 'node', step: 'replace/pg-2', node: 'pg-2', text: 'pg-2 draining' },
    ],
    samples: [],
    pauseRequested: false,
    approved: [],
    skipped: [],
    leftUndone: [],
    faults: [],
    resumeHint: 'rollgate watch orders',
    ...changes,
  };
}

export const waiting = (): RunState =>
  rolling({
    phase: 'waiting-for-approval',
    step: 'handover/default',
    waiting: { step: 'handover/default', title: 'Hand over from pg-1', since: at(3), expiresAt: at(50) },
  });

export function ended(outcome: Exclude<Outcome, 'running'>, changes: Partial<RunState> = {}): RunState {
  const state = rolling({
    phase: 'finished',
    step: undefined,
    timeline: [...rolling().timeline, { at: at(9), kind: 'step', text: `run ${outcome}` }],
    ...changes,
  });
  return { ...state, run: { ...state.run, outcome, endedAt: at(9) } };
}
