import type { ActivityDependencies } from '../../src/activities/index.js';
import {
  known,
  RollgateError,
  unknown,
  type ClusterSpec,
  type ClusterView,
  type LevelView,
  type Linearizability,
  type ModeRecord,
  type NodeView,
  type Obstacle,
  type Observed,
  type ProbeRunner,
  type Router,
  type RunState,
  type StopSafety,
  type WriteLedger,
} from '../../src/contracts/index.js';
import { ClusterSpec as ClusterSchema } from '../../src/contracts/spec.js';
import { modelHost } from './model-host.js';
import { newLevels, settleLevels, type ModelLevels } from './model-levels.js';
import { newMembers, spareNode, type ModelMembers } from './model-members.js';
import { modelSystem } from './model-system.js';

export interface ModelNode {
  id: string;
  version: string;
  installed: string;
  role: 'primary' | 'replica' | 'learner';
  running: boolean;
  upstream?: string;
  lag: number;
  inSync: boolean;
  routed: boolean;
  fenced: boolean;
  oldestTransactionMs: number;
  /** What the running process does not tell. */
  silent: boolean;
  identity: string;
  /** The level that its own data is on. */
  level: string | undefined;
}

/**
 * A replicated system in memory: for tests of the runs' own logic, not of any system's behaviour. With `levels` it
 * is of the other kind: its nodes agree on a level, it moves its primary by a committed operation, and it can save
 * and compare its copies. With `spares` or `standalone` it also keeps a list of its members: spares are in none yet,
 * and of a standalone the first node alone is there.
 */
export class Model {
  readonly nodes: ModelNode[];
  epoch = 1;
  /** Effects that really changed something, in order: `stop pg-2`. */
  readonly effects: string[] = [];
  readonly reports: RunState[] = [];
  readonly settings = new Map<string, string | undefined>();
  scratch = false;
  probing = false;
  lost = 0;
  obstacles: Obstacle[] = [];
  stopSafety: Record<string, StopSafety> = {};
  /** Artifacts that a host does not find or that differ. */
  brokenArtifacts = new Set<string>();
  /** Versions that start and die. */
  dyingVersions = new Set<string>();
  /** Nodes on which no canary arrives. */
  deaf = new Set<string>();
  /** Called before each effect; may throw to make it fail. */
  onEffect: (effect: string) => void | Promise<void> = () => undefined;
  /** Called when an effect has happened; may throw so that nobody learns of it. */
  afterEffect: (effect: string) => void | Promise<void> = () => undefined;
  readonly levels: ModelLevels | undefined;
  readonly members: ModelMembers | undefined;
  linearizability: Linearizability | undefined;
  readonly modes = new Map<string, ModeRecord>();
  observeFailure: string | undefined;
  observedAtSkewMs = 0;
  /** A candidate does not reach the fence's position. */
  stuckCandidates = false;

  constructor(
    version = '1.0',
    ids: readonly string[] = ['a', 'b', 'c'],
    options: {
      readonly levels?: boolean;
      readonly spares?: readonly string[];
      readonly standalone?: boolean;
    } = {},
  ) {
    const listed = options.standalone === true || options.spares !== undefined;
    this.levels = options.levels === true || listed ? newLevels(version) : undefined;
    const there = options.standalone === true ? ids.slice(0, 1) : ids;
    this.members = listed ? newMembers(there) : undefined;
    const present = there.map((id, i): ModelNode => ({
      id,
      version,
      installed: version,
      role: i === 0 ? 'primary' : 'replica',
      running: true,
      upstream: i === 0 ? undefined : ids[0],
      lag: 0,
      inSync: true,
      routed: true,
      fenced: false,
      oldestTransactionMs: 0,
      silent: false,
      identity: 'model-1',
      level: this.levels?.active,
    }));
    const spares = [...ids.slice(there.length), ...(options.spares ?? [])];
    this.nodes = [...present, ...spares.map(spareNode)];
  }

  /** Who takes part: every node, or every member where there is a list. */
  get present(): ModelNode[] {
    return this.nodes.filter((n) => this.members?.list.has(n.id) ?? true);
  }

  /** Of a model with a member list. */
  get member(): ModelMembers {
    if (!this.members) throw new Error('this model has no member list');
    return this.members;
  }

  node(id: string): ModelNode {
    const found = this.nodes.find((n) => n.id === id);
    if (!found) throw new RangeError(`no node ${id}`);
    return found;
  }

  get primary(): ModelNode | undefined {
    return this.present.find((n) => n.running && n.role === 'primary');
  }

  async effect(text: string, act: () => void): Promise<void> {
    await this.onEffect(text);
    act();
    this.effects.push(text);
    this.settle();
    await this.afterEffect(text);
  }

  private settle(): void {
    if (this.levels) settleLevels(this.levels, this.present);
  }

  /** Of a model with levels. */
  get level(): ModelLevels {
    if (!this.levels) throw new Error('this model has no levels');
    return this.levels;
  }

  cluster(name: string): ClusterSpec {
    return ClusterSchema.parse({
      name,
      system: 'model',
      nodes: this.nodes.map((n, i) => ({ id: n.id, address: `127.0.0.1:${i + 1}`, host: { kind: 'model' } })),
      artifacts: Object.fromEntries(
        (this.levels
          ? ['3.5.1', '3.5.2', '3.6.0', '3.6.1', '3.7.0']
          : ['1.0', '1.1', '1.2', '17.10', '17.11', '18.4', '18.5']
        ).map((v) => [v, { path: `/artifacts/${v}`, sha256: 'a'.repeat(64) }]),
      ),
    });
  }

  view(cluster: ClusterSpec): ClusterView {
    if (this.observeFailure !== undefined) {
      throw new RollgateError('SYSTEM_UNREACHABLE', this.observeFailure, 'Wait.');
    }
    this.settle();
    return {
      cluster: cluster.name,
      system: 'model',
      observedAt: new Date(Date.now() + this.observedAtSkewMs).toISOString(),
      positionUnit: 'entries',
      obstacles: this.obstacles,
      groups: [
        {
          id: 'default',
          primaries: this.present.filter((n) => n.running && n.role === 'primary').map((n) => n.id),
          epoch: known(this.epoch),
          durability: known('quorum'),
          ...(this.levels ? { level: this.levelView(this.levels) } : {}),
          nodes: this.nodes
            .filter((n) => cluster.nodes.some((declared) => declared.id === n.id))
            .map((n) => this.nodeView(n)),
        },
      ],
    };
  }

  private levelView({ active, lowering, dark }: ModelLevels): LevelView {
    const when = <T>(what: string, value: T): Observed<T> =>
      dark.has(what) ? unknown('dark') : known(value);
    return { active: when('active', active), lowering: when('lowering', lowering) };
  }

  private nodeView(n: ModelNode): NodeView {
    const answers = n.running && !n.silent;
    const when = <T>(value: T): Observed<T> => (answers ? known(value) : unknown(`${n.id} does not answer`));
    return {
      id: n.id,
      group: 'default',
      address: n.id,
      reachable: n.silent ? unknown('no answer') : known(n.running),
      role: when(n.role),
      version: when(n.version),
      serving: when(true),
      position: when({ offset: 100 - n.lag, text: String(100 - n.lag) }),
      lag: when(n.lag),
      inSync: when(n.inSync),
      upstream: when(n.role === 'primary' ? undefined : n.upstream),
      epoch: when(this.epoch),
      identity: when(n.identity),
      inFlight: when({ count: n.oldestTransactionMs > 0 ? 1 : 0, oldestMs: n.oldestTransactionMs }),
      startedAt: when('2026-01-01T00:00:00.000Z'),
      stop: this.stopSafety[n.id] ?? { verdict: 'pass', evidence: 'the others suffice' },
      ...(n.level === undefined
        ? {}
        : { level: this.level.dark.has(n.id) ? unknown('dark') : when(n.level) }),
    };
  }
}

/** The ports over a model. */
export function modelDependencies(model: Model, ledger: Partial<WriteLedger> = {}): ActivityDependencies {
  return {
    system: () => modelSystem(model),
    host: () => modelHost(model),
    router: () => modelRouter(model),
    probe: modelProbe(model, ledger),
    secrets: { resolve: (ref) => Promise.resolve(ref), redact: (text) => text },
    backupFile: (runId, name) => Promise.resolve(`/backups/${runId}/${name}`),
    writeArtifacts: (state) => {
      model.reports.push(structuredClone(state));
      return Promise.resolve({ directory: '/artifacts' });
    },
  };
}

function modelRouter(model: Model): Router {
  return {
    drain: (_cluster, node) => model.effect(`drain ${node.id}`, () => (model.node(node.id).routed = false)),
    restore: (_cluster, node) =>
      model.effect(`restore ${node.id}`, () => (model.node(node.id).routed = true)),
    state: (_cluster, node) => Promise.resolve(model.node(node.id).routed ? 'routed' : 'drained'),
  };
}

function modelProbe(model: Model, ledger: Partial<WriteLedger>): ProbeRunner {
  const at = '2026-01-01T00:00:00.000Z';
  return {
    start: () => model.effect('probe', () => (model.probing = true)),
    stop: () => {
      model.probing = false;
      return Promise.resolve();
    },
    ledger: () =>
      Promise.resolve({
        acknowledged: 10,
        lost: model.lost,
        unknown: 0,
        resurrected: 0,
        lostKeys: [],
        writeGaps: [],
        readGaps: [],
        reads: 0,
        writers: 1,
        startedAt: at,
        endedAt: at,
        buckets: [],
        ...(model.linearizability ? { linearizability: model.linearizability } : {}),
        ...ledger,
      }),
  };
}
