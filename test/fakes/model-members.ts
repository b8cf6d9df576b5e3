import {
  known,
  RollgateError,
  type DataSystem,
  type GateVerdict,
  type HostStatus,
  type Member,
} from '../../src/contracts/index.js';
import { seriesOf } from './model-levels.js';
import type { Model, ModelNode } from './model.js';

/** The nodes of the model are in a list that its primary keeps, and only who is in it takes part. */
export interface ModelMembers {
  readonly list: Map<string, Pick<Member, 'id' | 'role' | 'started'>>;
  /** Nodes whose data directory holds something. */
  readonly data: Set<string>;
  /** How far behind a new learner is. */
  learnerLag: number;
  /** What a look at the restored seed says. */
  seedVerdict: Pick<GateVerdict, 'verdict' | 'observed'>;
  /** What has been made of the standalone so far. */
  readonly made: Set<'snapshot' | 'seed' | 'final'>;
}

export const newMembers = (ids: readonly string[]): ModelMembers => ({
  list: new Map(ids.map((id) => [id, { id: `m-${id}`, role: 'voter', started: true }])),
  data: new Set(ids),
  learnerLag: 0,
  seedVerdict: { verdict: 'pass', observed: 'hash 7, one member' },
  made: new Set(),
});

/** A node that has no data and no software yet. */
export const spareNode = (id: string): ModelNode => ({
  ...{ id, version: '', installed: '', role: 'learner', running: false, lag: 0, inSync: true },
  ...{ routed: true, fenced: false, oldestTransactionMs: 0, silent: false, identity: 'model-1' },
  level: undefined,
});

/** The member list and the making of a seed; each call acts only if needed, and says when it has. */
export function memberFacets(
  model: Model,
  members: ModelMembers,
): Required<Pick<DataSystem, 'membership' | 'formation'>> {
  const { list, made } = members;
  const refuse = (message: string): never => {
    throw new RollgateError('SYSTEM_REFUSED', message, 'Look again.');
  };
  return {
    membership: {
      members: () => {
        if (!model.primary || model.observeFailure !== undefined) {
          const why = model.observeFailure ?? 'nobody leads';
          return Promise.reject(new RollgateError('SYSTEM_UNREACHABLE', why, 'Wait.'));
        }
        return Promise.resolve([...list].map(([node, entry]) => ({ ...entry, node })));
      },
      addLearner: async (_cluster, node) => {
        if (list.has(node)) return;
        const entry = { id: `m-${node}-${model.effects.length}`, role: 'learner', started: false } as const;
        await model.effect(`learner ${node}`, () => list.set(node, entry));
      },
      startMember: async (_cluster, node) => {
        const entry = list.get(node) ?? refuse(`${node} is no member`);
        const n = model.node(node);
        if (n.running) return;
        await model.effect(`start ${node} ${n.installed}`, () => {
          Object.assign(n, { running: true, version: n.installed, role: 'learner', lag: members.learnerLag });
          n.upstream = model.primary?.id;
          members.data.add(node);
          list.set(node, { ...entry, started: true });
        });
      },
      promoteLearner: async (_cluster, node) => {
        const entry = list.get(node) ?? refuse(`${node} is no member`);
        if (entry.role === 'voter') return;
        await model.effect(`vote ${node}`, () => {
          list.set(node, { ...entry, role: 'voter' });
          model.node(node).role = 'replica';
        });
      },
      removeMember: async (_cluster, node) => {
        const entry = list.get(node);
        if (!entry) return;
        if (model.primary?.id === node) throw new RollgateError('NOT_PRIMARY', `${node} leads`, 'Move it.');
        await model.effect(`remove ${node}`, () => {
          list.delete(node);
          // What a learner has received is moved aside.
          if (entry.role === 'learner') members.data.delete(node);
          model.node(node).running = false;
          model.node(node).level = undefined;
        });
      },
    },
    formation: {
      inspect: (_cluster, seed) =>
        Promise.resolve({
          mode: model.modes.get(seed)?.mode ?? 'standalone',
          running: known(model.node(seed).running),
          series: known(seriesOf(model.node(seed).version)),
          members: known([seed]),
          coherent: known(true),
          bytes: known(1000),
          freeBytes: known(1_000_000),
          content: known('revision 7, 5 keys'),
        }),
      snapshot: async (_cluster, seed) => {
        if (model.node(seed).running) refuse(`${seed} runs`);
        if (!made.has('snapshot')) await model.effect(`snapshot ${seed}`, () => made.add('snapshot'));
        return {
          ...{ path: '/snapshot', sha256: 'd'.repeat(64), bytes: 1024 },
          ...{ content: 'revision 7', hash: 'hash 7' },
        };
      },
      restore: async (_cluster, seed) => {
        if (!made.has('snapshot')) refuse('there is no snapshot');
        if (!made.has('seed')) await model.effect(`restore ${seed}`, () => made.add('seed'));
      },
      verify: () => Promise.resolve({ ...members.seedVerdict, required: 'hash 7' }),
      finalize: async (_cluster, seed) => {
        if (!made.has('seed')) refuse('there is no seed');
        if (!made.has('final')) await model.effect(`finalize ${seed}`, () => made.add('final'));
        return { kept: '/data/standalone' };
      },
      discard: async (_cluster, seed) => {
        if (made.size === 0 || made.has('final')) return;
        await model.effect(`discard ${seed}`, () => made.clear());
      },
    },
  };
}

/** What a host says of a node before it starts it: one that is being prepared serves nobody. */
export function refuseIfPreparing(model: Model, id: string): void {
  const record = model.modes.get(id);
  if (record?.mode !== 'preparing') return;
  throw new RollgateError(
    'HOST_PREPARING',
    `${id} is preparing since ${record.checkpoint}`,
    record.resumeHint,
  );
}

export const statusOf = (n: ModelNode): HostStatus =>
  n.running
    ? { kind: 'running', pid: 1, startedAt: '2026-01-01T00:00:00.000Z', version: n.installed }
    : { kind: 'stopped', version: n.installed, fenced: n.fenced };
