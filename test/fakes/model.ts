import type { ActivityDependencies } from '../../src/activities/index.js';
import {
  fenceFrom,
  known,
  RollgateError,
  unknown,
  type ClusterSpec,
  type ClusterView,
  type DataSystem,
  type Host,
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

export interface ModelNode {
  id: string;
  version: string;
  installed: string;
  role: 'primary' | 'replica';
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
}

/** A replicated system in memory: for tests of the runs' own logic, not of any system's behaviour. */
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
  observeFailure: string | undefined;
  observedAtSkewMs = 0;
  /** A candidate does not reach the fence's position. */
  stuckCandidates = false;

  constructor(version = '1.0', ids: readonly string[] = ['a', 'b', 'c']) {
    this.nodes = ids.map((id, i) => ({
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
    }));
  }

  node(id: string): ModelNode {
    const found = this.nodes.find((n) => n.id === id);
    if (!found) throw new RangeError(`no node ${id}`);
    return found;
  }

  get primary(): ModelNode | undefined {
    return this.nodes.find((n) => n.running && n.role === 'primary');
  }

  async effect(text: string, act: () => void): Promise<void> {
    await this.onEffect(text);
    act();
    this.effects.push(text);
  }

  cluster(name: string): ClusterSpec {
    return ClusterSchema.parse({
      name,
      system: 'model',
      nodes: this.nodes.map((n, i) => ({ id: n.id, address: `127.0.0.1:${i + 1}`, host: { kind: 'model' } })),
      artifacts: Object.fromEntries(
        ['1.0', '1.1', '1.2'].map((v) => [v, { path: `/artifacts/${v}`, sha256: 'a'.repeat(64) }]),
      ),
    });
  }

  view(cluster: ClusterSpec): ClusterView {
    if (this.observeFailure !== undefined) {
      throw new RollgateError('SYSTEM_UNREACHABLE', this.observeFailure, 'Wait.');
    }
    return {
      cluster: cluster.name,
      system: 'model',
      observedAt: new Date(Date.now() + this.observedAtSkewMs).toISOString(),
      positionUnit: 'entries',
      obstacles: this.obstacles,
      groups: [
        {
          id: 'default',
          primaries: this.nodes.filter((n) => n.running && n.role === 'primary').map((n) => n.id),
          epoch: known(this.epoch),
          durability: known('quorum'),
          nodes: this.nodes.map((n) => this.nodeView(n)),
        },
      ],
    };
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
    writeArtifacts: (state) => {
      model.reports.push(structuredClone(state));
      return Promise.resolve({ directory: '/artifacts' });
    },
  };
}

function modelSystem(model: Model): DataSystem {
  const position = { offset: 100, text: '100' };
  return {
    name: 'model',
    positionUnit: 'entries',
    versionRules: {
      seriesDepth: 1,
      step: 'same-series',
      beyond: {
        code: 'MAJOR_NEEDS_MIGRATION',
        reason: 'another series',
        remedy: 'migrate',
        source: 'the model',
      },
      rows: [],
    },
    observe: (cluster) => Promise.resolve().then(() => model.view(cluster)),
    launch: () => ({ executable: 'bin/model', args: [], env: {}, stopSignal: 'SIGTERM' }),
    startAsReplica: (_cluster, id, upstream) => {
      const node = model.node(id);
      node.role = 'replica';
      node.upstream = upstream;
      return Promise.resolve();
    },
    follow: (_cluster, id, upstream) =>
      model.effect(`follow ${id} ${upstream}`, () => {
        model.node(id).upstream = upstream;
      }),
    tidy: () => Promise.resolve(),
    scratch: {
      create: () => model.effect('scratch', () => (model.scratch = true)),
      drop: () => model.effect('drop scratch', () => (model.scratch = false)),
      prove: (_cluster, { on }) =>
        Promise.resolve({ seenOn: on.filter((id) => model.node(id).running && !model.deaf.has(id)), ms: 1 }),
    },
    settings: {
      read: (_cluster, node, setting) => Promise.resolve(model.settings.get(`${node}/${setting}`)),
      write: (_cluster, node, setting, value) =>
        model.effect(`set ${node}/${setting}=${value ?? ''}`, () =>
          model.settings.set(`${node}/${setting}`, value),
        ),
    },
    handover: {
      prepare: () => Promise.resolve(),
      unprepare: () => Promise.resolve(),
      fence: async (_cluster, primary, { epoch }) => {
        const node = model.node(primary);
        if (!node.fenced && node.role !== 'primary') {
          throw new RollgateError('NOT_PRIMARY', `${primary} is no primary`, 'Observe again.');
        }
        if (!node.fenced) {
          await model.effect(`fence ${primary}`, () => {
            node.running = false;
            node.fenced = true;
          });
        }
        return fenceFrom({
          group: 'default',
          node: primary,
          epoch,
          position,
          stopped: true,
          clean: true,
          guard: 'the model',
          at: new Date().toISOString(),
        });
      },
      unfence: async (_cluster, primary) => {
        if (model.primary && model.primary.id !== primary) {
          throw new RollgateError('PRIMARY_MOVED', `${model.primary.id} is the primary`, 'Nothing to do.');
        }
        if (!model.node(primary).fenced) return;
        await model.effect(`unfence ${primary}`, () => {
          const node = model.node(primary);
          node.fenced = false;
          node.running = true;
        });
      },
      applied: (_cluster, candidates) =>
        Promise.resolve(
          candidates.map((node) => ({
            node,
            position: model.stuckCandidates ? { offset: 90, text: '90' } : position,
          })),
        ),
      promote: async (_cluster, candidate, fence) => {
        const repoint = (): void => {
          for (const n of model.nodes) if (n.id !== candidate && n.id !== fence.node) n.upstream = candidate;
        };
        if (model.primary?.id === candidate) repoint();
        else {
          await model.effect(`promote ${candidate}`, () => {
            model.node(candidate).role = 'primary';
            model.epoch++;
            repoint();
          });
        }
        return { group: 'default', node: candidate, epoch: model.epoch, at: new Date().toISOString() };
      },
      release: (_cluster, fence) => {
        model.node(fence.node).fenced = false;
        return Promise.resolve();
      },
    },
    probe: {
      connect: () => {
        throw new Error('the model has no probe clients');
      },
      readBack: async function* () {
        // The model's ledger is made by its probe runner.
      },
    },
  };
}

function modelHost(model: Model): Host {
  return {
    status: (node) => {
      const n = model.node(node.id);
      return Promise.resolve(
        n.running
          ? { kind: 'running', pid: 1, startedAt: '2026-01-01T00:00:00.000Z', version: n.installed }
          : { kind: 'stopped', version: n.installed, fenced: n.fenced },
      );
    },
    verifyArtifact: (node, version, artifact) =>
      Promise.resolve({
        node: node.id,
        version,
        state: !artifact
          ? { kind: 'undeclared' }
          : model.brokenArtifacts.has(`${node.id}/${version}`)
            ? { kind: 'differs', expected: artifact.sha256, actual: 'b'.repeat(64) }
            : { kind: 'ok', sha256: artifact.sha256 },
      }),
    stop: (node) => model.effect(`stop ${node.id}`, () => (model.node(node.id).running = false)),
    install: async (node, version) => {
      if (model.node(node.id).installed === version) return;
      await model.effect(`install ${node.id} ${version}`, () => (model.node(node.id).installed = version));
    },
    start: (node) => {
      const n = model.node(node.id);
      if (n.fenced) throw new RollgateError('HOST_FENCED', `${node.id} is fenced`, 'Release it.');
      if (model.dyingVersions.has(n.installed)) {
        throw new RollgateError('HOST_START_FAILED', `${node.id} died: no such library`, 'See its log.');
      }
      return model.effect(`start ${node.id} ${n.installed}`, () => {
        n.running = true;
        n.version = n.installed;
      });
    },
    installed: (node) => Promise.resolve(model.node(node.id).installed),
    setFence: () => Promise.resolve(),
    readFile: () => Promise.resolve(undefined),
    writeFile: () => Promise.resolve(),
    removeFile: () => Promise.resolve(),
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
        ...ledger,
      }),
  };
}
