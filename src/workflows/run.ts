import { CancellationScope, isCancellation, workflowInfo } from '@temporalio/workflow';
import type { Target } from '../contracts/activities.js';
import type { GateVerdict } from '../contracts/gate.js';
import type {
  FormationInput,
  FormationState,
  MigrationInput,
  NodeProgress,
  PipelineInput,
  RunFailure,
  RunInput,
  RunSpec,
  RunState,
  TimelineEvent,
} from '../contracts/run.js';
import { documentOf } from '../contracts/run.js';
import type {
  ClusterFormationSpec,
  ClusterSpec,
  RollingUpgradeSpec,
  RunSettings,
} from '../contracts/spec.js';
import { valueOf } from '../contracts/observed.js';
import { nodesOf, type ClusterView, type NodeId } from '../contracts/view.js';
import { publish } from './publish.js';

/** What the operator has asked for that ends the procedure in progress. */
export type Interrupt = 'rollback' | 'abort';

/** The answer of an operator to a blocked run. */
export type Unblock = 'retry' | 'skip' | Interrupt;

/** What only this kind of run knows about turning back. */
export interface Way {
  /** From here on the run goes back: the next turn of its loop decides how. */
  goBack(run: Run, cause: 'operator' | 'failure'): void;
  /** The way back has failed for good: say what is left as it is. */
  giveUp(run: Run): 'give-up';
  /** A failure now is waited out, whatever the spec says of failures: the run must neither turn nor end here. */
  mustWait?(run: Run): boolean;
  /** Why a wish to turn back or to end cannot take effect now, or `undefined`. */
  objectionTo?(run: Run, wish: Interrupt): string | undefined;
  /** What an operator may leave undone other than the replacement of a node. */
  readonly leave?: { objection(run: Run): string | undefined; take(run: Run): void };
}

/** One run in memory: its state, and what only lives between two safe points. */
export interface Run {
  readonly state: RunState;
  readonly way: Way;
  /** The input with which this workflow goes on after continue-as-new. */
  readonly carry: (state: RunState) => RunInput | FormationInput | MigrationInput | PipelineInput;
  readonly settings: RunSettings;
  /** The cluster as the step in progress sees it: a formation has more members with each stage. */
  target: Target;
  interrupt?: Interrupt;
  unblock?: Unblock;
  /** The operator's verdict on the approval that waits. */
  verdict?: 'approved' | 'rejected';
  /** The wait that an interrupt may end at once; nothing else is ever cancelled. */
  waiting?: CancellationScope;
  /** No wish of an operator takes effect now: a handover is under way and ends within its own time. */
  shielded: boolean;
}

const maxTimeline = 1500;
const maxSamples = 900;

/** Workflow time: the sandbox's clock, the same on every replay. */
export const now = (): string => new Date().toISOString();

export function createRun(input: RunInput, way: Way): Run {
  const { cluster, upgrade } = input;
  const state = input.state ?? newState({ cluster, upgrade });
  return runOf(state, way, (now) => ({ cluster, upgrade, state: now }));
}

export function createFormationRun(input: FormationInput, way: Way): Run {
  const { cluster, formation, stages } = input;
  const carry = (state: RunState): FormationInput => ({ cluster, formation, stages, state });
  if (input.state) return runOf(input.state, way, carry);
  const state = newState({ cluster, formation, stages });
  const token = `${cluster.name}-${state.run.id}`;
  state.formation = { mode: 'standalone', checkpoint: '', checkpoints: [], token };
  return runOf(state, way, carry);
}

/** Where to ask about a node: a migration has two clusters. */
export function targetOf(run: Run, node: NodeId | undefined): Target {
  const { spec } = run.state;
  const other = spec.migration ? spec.destination : undefined;
  return other?.nodes.some((n) => n.id === node) === true ? { ...run.target, cluster: other } : run.target;
}

/** The cluster that takes the writes, as the run has made it. */
export const writable = ({ state, target }: Run): ClusterSpec =>
  state.spec.migration && state.migration?.authority === 'destination'
    ? state.spec.destination
    : target.cluster;

export const runOf = (state: RunState, way: Way, carry: Run['carry']): Run => ({
  state,
  way,
  carry,
  settings: documentOf(state.spec),
  target: { cluster: state.spec.cluster, runId: state.run.id },
  shielded: false,
});

export function newState(spec: RunSpec): RunState {
  const info = workflowInfo();
  return {
    schemaVersion: 1,
    run: {
      id: info.firstExecutionRunId,
      workflowId: info.workflowId,
      kind: kindOf(spec),
      name: documentOf(spec).name,
      cluster: spec.cluster.name,
      system: spec.cluster.system,
      startedAt: now(),
      outcome: 'running',
    },
    spec,
    phase: 'planning',
    direction: 'forward',
    steps: [],
    nodes: [],
    gates: [],
    handovers: [],
    switches: [],
    backups: [],
    ledger: [],
    compensations: [],
    decisions: [],
    timeline: [],
    samples: [],
    pauseRequested: false,
    approved: [],
    skipped: [],
    leftUndone: [],
    faults: [],
    resumeHint: '',
  };
}

function kindOf(spec: RunSpec): RunState['run']['kind'] {
  if (spec.upgrade) return 'RollingUpgrade';
  return spec.formation ? 'ClusterFormation' : 'StorageMigration';
}

/** The document of a rolling upgrade: its steps are taken by runs of this kind alone. */
export function upgradeOf(run: Run): RollingUpgradeSpec {
  const { upgrade } = run.state.spec;
  if (!upgrade) failStep('INTERNAL', `a ${run.state.run.kind} has no upgrade`, 'Report this.');
  return upgrade;
}

/** The document and the state of a cluster formation. */
export function formationOf(run: Run): { spec: ClusterFormationSpec; state: FormationState } {
  const { formation: state, spec } = run.state;
  if (!state || !spec.formation) {
    failStep('INTERNAL', `a ${run.state.run.kind} has no formation`, 'Report this.');
  }
  return { spec: spec.formation, state };
}

/** A step that cannot go on, with what an operator needs to know. */
export class StepFailure extends Error {
  override readonly name = 'StepFailure';
  constructor(readonly failure: RunFailure) {
    super(failure.message);
  }
}

/** The operator asked for a rollback or an abort while a step was waiting. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** What was decided does not fit what the gates saw: the loop observes and decides again. Nothing was changed. */
export class Overtaken extends Error {
  override readonly name = 'Overtaken';
}

export function failStep(code: string, message: string, remedy: string, node?: NodeId): never {
  throw new StepFailure({ code, message, remedy, node, at: now() });
}

export function tell(run: Run, kind: TimelineEvent['kind'], text: string, node?: NodeId): void {
  const { timeline } = run.state;
  timeline.push({ at: now(), kind, step: run.state.step, node, text });
  if (timeline.length > maxTimeline) timeline.splice(maxTimeline / 2, 1);
  publish(run.state);
}

export function progressOf(run: Run, node: NodeId): NodeProgress {
  const found = run.state.nodes.find((n) => n.id === node);
  if (!found)
    throw new StepFailure({
      code: 'INTERNAL',
      message: `no progress for ${node}`,
      remedy: 'Report this.',
      at: now(),
    });
  return found;
}

export function setStatus(run: Run, node: NodeId, status: NodeProgress['status'], reason?: string): void {
  const progress = progressOf(run, node);
  if (progress.status === status && progress.reason === reason) return;
  progress.status = status;
  progress.reason = reason;
  progress.startedAt ??= now();
  if (status === 'upgrading') progress.swappedAt ??= now();
  if (status === 'complete' || status === 'failed') progress.endedAt = now();
  tell(run, 'node', reason === undefined ? `${node} ${status}` : `${node} ${status}: ${reason}`, node);
}

/** Keep what an observation showed, for status and report. */
export function remember(run: Run, view: ClusterView): void {
  const { state } = run;
  for (const node of nodesOf(view)) {
    const progress = state.nodes.find((n) => n.id === node.id);
    const lag = valueOf(node.lag);
    if (progress) {
      progress.version = valueOf(node.version) ?? progress.version;
      progress.roleAfter = valueOf(node.role) ?? progress.roleAfter;
      progress.lag = lag;
    }
    if (lag !== undefined) state.samples.push({ at: view.observedAt, node: node.id, lag });
  }
  if (state.samples.length > maxSamples) {
    // Thin evenly rather than forget the beginning. Whole observations go, so that nodes stay comparable.
    const times = [...new Set(state.samples.map((s) => s.at))].filter((_, i) => i % 2 === 1);
    state.samples = state.samples.filter((s) => !times.includes(s.at));
  }
}

/** Keep the latest verdict of each gate and node; a gate that stopped passing or began to is an event. */
export function recordVerdicts(run: Run, verdicts: readonly GateVerdict[]): void {
  for (const verdict of verdicts) {
    const at = run.state.gates.findIndex((g) => g.name === verdict.name && g.node === verdict.node);
    const before = at < 0 ? undefined : run.state.gates[at];
    if (at < 0) run.state.gates.push(verdict);
    else run.state.gates[at] = verdict;
    // A soak that is counting is no event.
    if (verdict.verdict !== 'pass' && before?.verdict !== verdict.verdict && verdict.name !== 'soak-held') {
      tell(run, 'gate', `${verdict.name} ${verdict.verdict}: ${verdict.observed}`, verdict.node);
    }
  }
  publish(run.state);
}

/** Leave the procedure in progress if the operator has asked for a rollback or an abort. */
export function checkInterrupt(run: Run): void {
  if (run.interrupt !== undefined) throw new Interrupted(run.interrupt);
}

/** Wait for something that an operator's rollback or abort may end at once. */
export async function interruptible<T>(run: Run, wait: () => Promise<T>): Promise<T> {
  if (run.shielded) return wait();
  checkInterrupt(run);
  const scope = new CancellationScope();
  run.waiting = scope;
  try {
    return await scope.run(wait);
  } catch (error) {
    if (isCancellation(error) && scope.consideredCancelled && run.interrupt)
      throw new Interrupted(run.interrupt);
    throw error;
  } finally {
    run.waiting = undefined;
  }
}

/** Run what an operator's wish must not interrupt; the wish takes effect at the next safe point. */
export async function shielded<T>(run: Run, body: () => Promise<T>): Promise<T> {
  run.shielded = true;
  try {
    return await CancellationScope.nonCancellable(body);
  } finally {
    run.shielded = false;
  }
}
