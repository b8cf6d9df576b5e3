import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { searchAttributes } from '../contracts/control.js';
import type { RunState } from '../contracts/run.js';
import { receiverOf, senderOf } from '../contracts/migration.js';
import { progressText } from '../planning/migration/progress.js';
import { meaningOfApproval } from '../planning/migration/undo.js';
import { stageText, undoAcrossStages } from '../planning/pipeline/standing.js';
import { describeUndo } from '../planning/undo.js';

const phaseKey = defineSearchAttributeKey(searchAttributes.phase, SearchAttributeType.KEYWORD);

/** Show the run in the Temporal UI: the node table, what it waits for, and what to do. */
export function publish(state: RunState): void {
  setCurrentDetails(describe(state));
}

export function setPhase(state: RunState, phase: RunState['phase']): void {
  if (state.phase === phase) return;
  state.phase = phase;
  upsertSearchAttributes([{ key: phaseKey, value: phase }]);
  publish(state);
}

/**
 * Markdown, as the Temporal UI renders it; its first lines matter most, the rest may be cut off.
 *
 * @param at now, ISO 8601
 */
export function describe(state: RunState, at: string = new Date().toISOString()): string {
  const { run } = state;
  const lines = [
    `### ${run.cluster}: ${run.system} ${state.direction === 'forward' ? aimOf(state.spec) : backOf(state)}`,
    '',
    `**${state.phase}**${state.step === undefined ? '' : ` · step \`${state.step}\``}${outcomeOf(state)}`,
    ...stageOf(state),
    ...standing(state, at),
  ];
  const across = undoAcrossStages(state);
  if (state.waiting) {
    const meaning = meaningOfApproval(state);
    lines.push(
      '',
      `**Waits for approval** of \`${state.waiting.step}\` (${state.waiting.title}), until ${state.waiting.expiresAt}.`,
      ...(meaning === undefined ? [] : [meaning]),
      ...(across === undefined ? [] : [across]),
      `Plan hash \`${state.plan?.hash ?? ''}\`. Send the signal \`approve\` or \`reject\`.`,
    );
  }
  if (state.failure)
    lines.push('', `**${state.failure.code}** ${state.failure.message}`, '', state.failure.remedy);
  if (state.cause)
    lines.push(
      '',
      `Turned back because of **${state.cause.code}** ${state.cause.message}`,
      '',
      state.cause.remedy,
    );
  if (state.writes) {
    lines.push(
      '',
      `Writes: acknowledged ${state.writes.acknowledged}, lost ${state.writes.lost}, longest gap ${state.writes.writeGaps[0]?.ms ?? 0} ms`,
    );
  }
  lines.push('', ...nodesOf(state));
  const held = state.gates.filter((g) => g.verdict !== 'pass');
  if (held.length > 0 && run.outcome === 'running') {
    lines.push(
      '',
      ...held.map((g) => `- gate \`${g.name}\` ${g.verdict}: ${g.observed}; needs: ${g.required}`),
    );
  }
  for (const h of state.handovers) {
    lines.push(
      '',
      `Handover ${h.from} → ${h.to ?? '?'}: ${h.result}${h.fencePosition ? `, fenced at ${h.fencePosition.text}` : ''}`,
    );
  }
  for (const s of state.switches) {
    const stage =
      s.at !== undefined
        ? `every node on it since ${s.at}`
        : s.clearedAt !== undefined
          ? 'cleared, not reached yet'
          : 'not cleared yet';
    lines.push('', `Level ${s.from} → ${s.to}: ${stage}`);
  }
  lines.push(...comparedAndMoved(state));
  if (state.ledger.length > 0)
    lines.push('', `Borrowed: ${state.ledger.map((b) => `\`${b.id}\``).join(', ')}`);
  const undo = describeUndo(state);
  if (undo !== undefined) lines.push('', undo);
  if (across !== undefined && !state.waiting) lines.push('', across);
  if (run.outcome === 'running') lines.push('', state.resumeHint);
  return lines.join('\n');
}

/** What has come to its end need not be all of a pipeline. */
function outcomeOf({ run, pipeline }: RunState): string {
  if (run.outcome === 'running') return '';
  const what = pipeline && pipeline.outcome === undefined ? 'outcome of this stage' : 'outcome';
  return ` · ${what} **${run.outcome}**`;
}

function stageOf(state: RunState): string[] {
  const text = stageText(state);
  return text === undefined ? [] : ['', text];
}

/** Where a run is going, in a few words. */
function aimOf({ upgrade, formation, migration }: RunState['spec']): string {
  if (upgrade) return `to ${upgrade.to}`;
  return formation ? `a cluster from ${formation.seed}` : `migration to ${migration.destination}`;
}

function backOf({ spec, migration }: RunState): string {
  if (spec.formation) return `${spec.formation.seed} back to a standalone`;
  if (!spec.migration) return 'back to the former version';
  return migration?.authority === 'destination'
    ? `back to ${spec.migration.source}`
    : `migration to ${spec.migration.destination} is taken back`;
}

/** Of a migration: its phase, the side that takes the writes, and what takes long. */
function standing(state: RunState, at: string): string[] {
  const { migration, spec, run } = state;
  if (!migration || !spec.migration) return [];
  const progress = run.outcome === 'running' ? progressText(state, at) : undefined;
  return [
    '',
    `Phase **${migration.phase}** · \`${spec.migration[migration.authority]}\` takes the writes`,
    ...(progress === undefined ? [] : ['', `${progress} (as of ${at.slice(11, 19)} UTC)`]),
  ];
}

function nodesOf({ nodes, direction, migration }: RunState): string[] {
  if (migration) {
    return [
      '| node | side | version | |',
      '| --- | --- | --- | --- |',
      ...nodes.map(
        (n) =>
          `| ${n.id} | ${n.roleBefore} | ${n.version ?? n.from} | ${n.roleBefore === migration.authority ? 'takes the writes' : ''} |`,
      ),
    ];
  }
  return [
    '| node | status | role | version | to | lag |',
    '| --- | --- | --- | --- | --- | --- |',
    ...nodes.map(
      (n) =>
        `| ${n.id} | ${n.status}${n.reason === undefined ? '' : ` (${n.reason})`} | ${n.roleAfter ?? n.roleBefore} | ${n.version ?? n.from} | ${direction === 'forward' ? n.to : n.from} | ${n.lag ?? ''} |`,
    ),
  ];
}

function comparedAndMoved({ migration, spec }: RunState): string[] {
  const names = spec.migration;
  if (!migration || !names) return [];
  const list = [
    ...migration.validations.map(
      (v) =>
        `- cut \`${v.id}\`: ${v.rows} rows of ${v.tables.length} tables, ${v.mismatches === 0 ? 'equal' : `**${v.mismatches} differ**`}`,
    ),
    ...migration.switches.map(
      (s) =>
        `- writes ${names[senderOf(s.direction)]} → ${names[receiverOf(s.direction)]}: ${s.result}${s.writeGapMs === undefined ? '' : `, write gap ${Math.round(s.writeGapMs)} ms`}`,
    ),
  ];
  return list.length === 0 ? [] : ['', ...list];
}
