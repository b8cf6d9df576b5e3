import {
  chaptersOf,
  clusterOfRun,
  isOver,
  type GateVerdict,
  type HandoverRecord,
  type NodeProgress,
  type NodeStatus,
  type RunState,
} from '../../contracts/index.js';
import { describeUndo } from '../../planning/undo.js';
import { meaningOfApproval } from '../../planning/migration/undo.js';
import { undoAcrossStages } from '../../planning/pipeline/standing.js';
import { columns } from './columns.js';
import { migrationLines, migrationNodes } from './migration-lines.js';
import type { Paint } from './paint.js';
import { pipelineLines } from './pipeline-lines.js';
import { aimText, approveCommand, formationText, switchText, writesText } from './run-lines.js';

/** How far a node is, in steps of five. */
const progress: Readonly<Record<NodeStatus, number>> = {
  pending: 0,
  draining: 1,
  drained: 2,
  upgrading: 3,
  rejoining: 4,
  complete: 5,
  failed: 0,
};

const shownGates = 6;

/**
 * The whole state of a run as text: what `status` prints and `watch` draws.
 *
 * @param at now, ISO 8601: what takes long is told with its rate
 */
export function runFrame(state: RunState, paint: Paint, at: string = new Date().toISOString()): string {
  const sections = [
    head(state, paint),
    pipelineLines(state, paint),
    formation(state),
    migrationLines(state, paint, at),
    nodeTable(state, paint),
    approval(state, paint),
    failure(state, paint),
    gates(state, paint),
    [...state.handovers.map(handoverLine), ...state.switches.map(switchText)],
    figures(state),
    leftOver(state, paint),
    undo(state),
    goOn(state),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function head(state: RunState, paint: Paint): string[] {
  const { run } = state;
  const lines = [
    paint('bold', `${run.cluster}: ${run.system} ${aimText(state)}`),
    `${standingWord(state)} ${phaseText(state, paint)}${state.step === undefined ? '' : `, step ${state.step}`}`,
    paint(
      'dim',
      `run ${state.pipeline?.runId ?? run.id} of ${run.workflowId}, plan ${state.plan?.hash ?? 'not made yet'}, since ${run.startedAt}${run.endedAt === undefined ? '' : ` until ${run.endedAt}`}`,
    ),
  ];
  if (state.pauseRequested && state.phase !== 'paused')
    lines.push('a pause takes effect at the next safe point');
  return lines;
}

/** What has come to its end need not be all of a pipeline. */
function standingWord(state: RunState): string {
  if (state.run.outcome === 'running') return 'phase';
  return isOver(state) ? 'outcome' : 'outcome of this stage';
}

function phaseText(state: RunState, paint: Paint): string {
  const { outcome } = state.run;
  if (outcome === 'completed') return paint('green', outcome);
  if (outcome !== 'running') return paint(outcome === 'rolled-back' ? 'yellow' : 'red', outcome);
  const calm = state.phase !== 'blocked' && state.phase !== 'waiting-for-approval';
  return paint(calm ? 'cyan' : 'yellow', state.phase);
}

/** What the mode file of the seed says, and what this run has reached. */
function formation({ formation: formed, spec }: RunState): string[] {
  if (!formed || !spec.formation) return [];
  return [
    `${formationText(formed)}; stages of this run: ${spec.stages.join(', ')}`,
    ...(formed.checkpoints.length > 0
      ? [`reached: ${formed.checkpoints.map((c) => c.name).join(', ')}`]
      : []),
    ...(formed.kept === undefined ? [] : [`the standalone's data is kept at ${formed.kept}`]),
  ];
}

function nodeTable(state: RunState, paint: Paint): string[] {
  if (state.nodes.length === 0) return [];
  if (state.migration) return migrationNodes(state, paint);
  const back = state.direction === 'back';
  const rows = state.nodes.map((n) => [
    n.id,
    n.status,
    n.roleAfter ?? n.roleBefore,
    n.version ?? n.from,
    back ? n.from : n.to,
    n.lag === undefined ? '' : String(n.lag),
    n.status === 'failed' ? `✗ ${n.reason ?? ''}`.trim() : bar(n),
  ]);
  const [title = '', ...lines] = columns(
    ['node', 'status', 'role', 'version', 'target', 'lag', 'progress'],
    rows,
  );
  return [paint('dim', title), ...lines.map((line, i) => paintNode(line, state.nodes[i], paint))];
}

const bar = (node: NodeProgress): string => '■'.repeat(progress[node.status]).padEnd(5, '□');

function paintNode(line: string, node: NodeProgress | undefined, paint: Paint): string {
  if (node?.status === 'complete') return paint('green', line);
  if (node?.status === 'failed') return paint('red', line);
  return node?.status === 'pending' ? line : paint('cyan', line);
}

function approval(state: RunState, paint: Paint): string[] {
  const command = approveCommand(state);
  if (!state.waiting || command === undefined) return [];
  const meaning = meaningOfApproval(state);
  return [
    paint(
      'yellow',
      `waits for approval of ${state.waiting.step} (${state.waiting.title}); rejected at ${state.waiting.expiresAt}`,
    ),
    ...(meaning === undefined ? [] : [`  ${meaning}`]),
    `  ${command}`,
    `  rollgate reject ${clusterOfRun(state)} --step ${state.waiting.step} --reason "..."`,
  ];
}

function failure(state: RunState, paint: Paint): string[] {
  const { failure: failed, cause } = state;
  return [
    ...(failed ? [paint('red', `${failed.code}: ${failed.message}`), `  remedy: ${failed.remedy}`] : []),
    ...(cause
      ? [
          paint('yellow', `turned back because of ${cause.code}: ${cause.message}`),
          `  remedy before it is tried again: ${cause.remedy}`,
        ]
      : []),
  ];
}

/** What does not pass, and beside it the newest of what does. */
function gates(state: RunState, paint: Paint): string[] {
  if (state.run.outcome !== 'running') return [];
  const held = state.gates.filter((g) => g.verdict !== 'pass');
  const passed = state.gates
    .filter((g) => g.verdict === 'pass')
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
    .slice(-Math.max(0, shownGates - held.length));
  const shown = [...held, ...(held.length >= shownGates ? [] : passed)];
  return shown.map((g) => gateLine(g, paint));
}

function gateLine(gate: GateVerdict, paint: Paint): string {
  const where = gate.node === undefined ? '' : ` ${gate.node}`;
  const line = `gate ${gate.name}${where}: ${gate.verdict}; observed: ${gate.observed}; required: ${gate.required}`;
  return gate.verdict === 'pass' ? paint('dim', line) : paint('yellow', line);
}

function handoverLine(h: HandoverRecord): string {
  const parts = [`handover ${h.from} → ${h.to ?? '?'}: ${h.result}`];
  if (h.epochBefore !== undefined) parts.push(`epoch ${h.epochBefore} → ${h.epochAfter ?? '?'}`);
  if (h.fencePosition) parts.push(`fenced at ${h.fencePosition.text}`);
  if (h.candidatePosition) parts.push(`candidate at ${h.candidatePosition.text}`);
  if (h.fencedAt !== undefined && h.promotedAt !== undefined) {
    parts.push(`fence to promotion ${Date.parse(h.promotedAt) - Date.parse(h.fencedAt)} ms`);
  }
  if (h.writeGapMs !== undefined) parts.push(`write gap ${h.writeGapMs} ms`);
  return parts.join(', ');
}

function figures(state: RunState): string[] {
  return [
    ...(state.writes ? [writesText(state.writes)] : []),
    ...state.faults.map((f) => `fault ${f.kind} during ${f.during} at ${f.at}`),
  ];
}

/** A formation that has not ended well is gone on with by another run; there is nothing to watch any more. */
function goOn({ run, formation: formed, resumeHint }: RunState): string[] {
  const again = formed !== undefined && resumeHint.startsWith('rollgate form ');
  return resumeHint !== '' && (run.outcome === 'running' || again) ? [`go on: ${resumeHint}`] : [];
}

function undo(state: RunState): string[] {
  const text = describeUndo(state);
  return [text, undoAcrossStages(state)].filter((line) => line !== undefined);
}

function leftOver(state: RunState, paint: Paint): string[] {
  const over = state.run.outcome !== 'running';
  return [
    ...state.ledger.map((b) => {
      const line = `${over ? 'STILL BORROWED' : 'borrowed'} ${b.id}; give back: ${b.giveBack}`;
      return over ? paint('red', line) : line;
    }),
    ...chaptersOf(state)
      .flatMap((chapter) => chapter.leftUndone)
      .map((l) => paint('red', `LEFT UNDONE ${l.what}: ${l.error}; undo: ${l.command}`)),
  ];
}
