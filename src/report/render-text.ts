import {
  formatAim,
  formatClock,
  formatDuring,
  formatLinearizability,
  formatMs,
  formatRole,
  formatSpan,
  formatTime,
  formatValue,
  formatWay,
  msBetween,
  whyNotMeasured,
} from './format.js';
import { formatLossWindow, formatStanding } from './format-migration.js';
import type { Summary } from './summary-schema.js';
import { backupLines } from './text/backups.js';
import { formationLines } from './text/formation.js';
import { labelled, table } from './text/layout.js';
import { cutLines, migrationLines, moveLines } from './text/migration.js';
import { switchLines } from './text/switches.js';

/** `summary.txt`: the account of a run for people, without colour, at most about 100 columns. */
export function renderText(summary: Summary): string {
  const blocks = [
    alarm(summary),
    heading(summary),
    failure('failure', summary.failure),
    failure('cause', summary.cause),
    labelled('waiting', waiting(summary)),
    nodes(summary),
    labelled('formation', formationLines(summary)),
    labelled('migration', migrationLines(summary)),
    labelled('cuts', cutLines(summary)),
    labelled('switches', moveLines(summary)),
    labelled('handover', summary.handovers.flatMap(handover)),
    labelled('level', switchLines(summary)),
    labelled('backups', backupLines(summary)),
    labelled('writes', writes(summary)),
    labelled(
      'gates',
      summary.gates
        .filter((g) => g.verdict !== 'pass')
        .map(
          (g) =>
            `${g.name}${g.node === undefined ? '' : ` ${g.node}`} ${g.verdict}: ${g.observed}; needs ${g.required}`,
        ),
    ),
    labelled(
      'accepted',
      summary.windows.map((w) => `${w.name}: ${w.risk}`),
    ),
    labelled(
      'decisions',
      summary.decisions.map(
        (d) =>
          `${formatClock(d.at)} ${d.action}${d.step === undefined ? '' : ` ${d.step}`} by ${d.by}: ${d.reason}${d.accepted ? '' : ` (not accepted${d.note === undefined ? '' : `: ${d.note}`})`}`,
      ),
    ),
    labelled(
      'faults',
      summary.faults.map((f) => `${formatClock(f.at)} ${f.kind} during ${f.during}`),
    ),
    labelled(
      'borrowed',
      summary.ledger.length === 0
        ? ['nothing']
        : summary.ledger.map((b) => `${b.id} is ${formatValue(b.value)}; to give it back: ${b.giveBack}`),
    ),
    labelled(
      'undone?',
      summary.leftUndone.flatMap((l) => [`NOT undone: ${l.what} (${l.error})`, `  to undo it: ${l.command}`]),
    ),
    summary.resumeHint === '' ? [] : labelled('go on', [summary.resumeHint]),
  ];
  return `${blocks
    .filter((b) => b.length > 0)
    .map((b) => b.join('\n'))
    .join('\n\n')}\n`;
}

/** What must not be overlooked: lost writes, and a history that has no order; empty when all is well. */
export function alarm({ writes: measured, migration }: Summary): string[] {
  if (!measured) return [];
  const told = [...lostWrites(measured, migration), ...violation(measured)];
  const line = '!'.repeat(72);
  return told.length === 0 ? [] : [line, ...told, line];
}

function violation({ linearizability: checked }: NonNullable<Summary['writes']>): string[] {
  if (checked?.verdict !== 'violated') return [];
  return [
    '!! THE HISTORY OF WRITES AND READS IS NOT LINEARIZABLE',
    ...(checked.reason === undefined ? [] : [`!!   ${checked.reason}`]),
  ];
}

function lostWrites(measured: NonNullable<Summary['writes']>, migration: Summary['migration']): string[] {
  if (measured.lost === 0) return [];
  const window = migration && formatLossWindow(migration);
  return [
    `!! ${measured.lost} ACKNOWLEDGED ${measured.lost === 1 ? 'WRITE IS' : 'WRITES ARE'} LOST (of ${measured.acknowledged})`,
    ...(measured.lostBetween
      ? [`!! acknowledged ${formatSpan(measured.lostBetween.from, measured.lostBetween.to)} UTC`]
      : []),
    ...(window === undefined ? [] : [`!! ${window}`]),
    ...measured.lostKeys.slice(0, 10).map((key) => `!!   ${key}`),
    ...(measured.lost > Math.min(10, measured.lostKeys.length) ? ['!!   …'] : []),
  ];
}

function heading(summary: Summary): string[] {
  const { run, asOf } = summary;
  const span = formatMs(msBetween(run.startedAt, run.endedAt ?? asOf));
  const times =
    run.endedAt === undefined
      ? `since ${formatTime(run.startedAt)} UTC, as of ${formatTime(asOf)} (${span})`
      : `${formatSpan(run.startedAt, run.endedAt)} UTC (${span})`;
  const phase =
    run.outcome === 'running' ? ` (${summary.phase}${summary.direction === 'back' ? ', back' : ''})` : '';
  return [
    `${run.cluster}: ${run.system} ${formatAim(summary)}  ${run.outcome.toUpperCase()}${phase}`,
    `run ${run.id}  plan ${summary.plan?.hash ?? 'none'}`,
    times,
  ];
}

/** What stopped the run; or for what it turned back by itself. */
function failure(label: 'failure' | 'cause', failed: Summary['failure']): string[] {
  if (!failed) return [];
  const where = [failed.step, failed.node].filter((t) => t !== undefined).join(', ');
  return labelled(label, [
    `${failed.code}${where === '' ? '' : ` in ${where}`}: ${failed.message}`,
    `remedy: ${failed.remedy}`,
  ]);
}

const waiting = ({ waiting: w }: Summary): string[] =>
  w ? [`for the approval of ${w.step} (${w.title}) until ${formatTime(w.expiresAt)} UTC`] : [];

function nodes(summary: Summary): string[] {
  if (summary.nodes.length === 0) return [];
  const { migration } = summary;
  if (migration) {
    return table([
      ['node', 'side', 'version', ''],
      ...summary.nodes.map((n) => [
        n.id,
        n.roleBefore,
        formatWay(n, 'forward'),
        formatStanding(n.roleBefore, migration),
      ]),
    ]);
  }
  const rows = summary.nodes.map((n) => [
    n.id,
    formatRole(n),
    formatWay(n, summary.direction),
    n.status,
    n.startedAt === undefined ? '' : formatMs(msBetween(n.startedAt, n.endedAt ?? summary.asOf)),
    n.reason ?? '',
  ]);
  return table([['node', 'role', 'version', 'status', 'took', ''], ...rows]);
}

function handover(h: Summary['handovers'][number]): string[] {
  const epoch = h.epochBefore === undefined ? '' : `  epoch ${h.epochBefore} → ${h.epochAfter ?? '?'}`;
  const gap = h.writeGapMs === undefined ? '' : `  write gap ${Math.round(h.writeGapMs)} ms`;
  const positions =
    h.fencePosition === undefined
      ? h.how === 'transfer' && h.promotedAt !== undefined
        ? [`transferred at ${formatClock(h.promotedAt)}: the new epoch is the fence, nothing was stopped`]
        : []
      : [`fenced at ${h.fencePosition}, the candidate had applied ${h.candidatePosition ?? 'nothing known'}`];
  return [`${h.from} → ${h.to ?? '?'}  ${h.result}${epoch}${gap}`, ...positions];
}

function writes(summary: Summary): string[] {
  const w = summary.writes;
  if (!w) return [whyNotMeasured(summary.measurement)];
  const figure = (ms: number | null, step: string | null): string =>
    ms === null ? 'not known' : `${Math.round(ms)} ms (${formatDuring(step)})`;
  return [
    `acknowledged ${w.acknowledged}, lost ${w.lost}, longest write gap ${figure(w.longestGapMs, w.longestGapDuring)}`,
    `unknown ${w.unknown}, resurrected ${w.resurrected}`,
    `longest wait of one client ${figure(w.longestWaitMs, w.longestWaitDuring)}`,
    `longest read gap ${figure(w.longestReadGapMs, w.longestReadGapDuring)}`,
    ...(w.linearizability ? [`linearizable: ${formatLinearizability(w.linearizability)}`] : []),
    ...w.unobserved.map(
      (g) =>
        `NOT OBSERVED for ${formatMs(g.ms)} from ${formatTime(g.from)} UTC (${formatDuring(g.during)}): no probe was alive`,
    ),
  ];
}
