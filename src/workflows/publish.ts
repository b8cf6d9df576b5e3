import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { searchAttributes } from '../contracts/control.js';
import type { RunState } from '../contracts/run.js';
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

/** Markdown, as the Temporal UI renders it. */
export function describe(state: RunState): string {
  const { run, spec } = state;
  const lines = [
    `### ${run.cluster}: ${run.system} ${state.direction === 'forward' ? aimOf(spec) : 'back to the former version'}`,
    '',
    `**${state.phase}**${state.step === undefined ? '' : ` · step \`${state.step}\``}${run.outcome === 'running' ? '' : ` · outcome **${run.outcome}**`}`,
  ];
  if (state.waiting) {
    lines.push(
      '',
      `**Waits for approval** of \`${state.waiting.step}\` (${state.waiting.title}), until ${state.waiting.expiresAt}.`,
      `Plan hash \`${state.plan?.hash ?? ''}\`. Send the signal \`approve\` or \`reject\`.`,
    );
  }
  if (state.failure)
    lines.push('', `**${state.failure.code}** ${state.failure.message}`, '', state.failure.remedy);
  if (state.writes) {
    lines.push(
      '',
      `Writes: acknowledged ${state.writes.acknowledged}, lost ${state.writes.lost}, longest gap ${state.writes.writeGaps[0]?.ms ?? 0} ms`,
    );
  }
  lines.push(
    '',
    '| node | status | role | version | to | lag |',
    '| --- | --- | --- | --- | --- | --- |',
    ...state.nodes.map(
      (n) =>
        `| ${n.id} | ${n.status}${n.reason === undefined ? '' : ` (${n.reason})`} | ${n.roleAfter ?? n.roleBefore} | ${n.version ?? n.from} | ${state.direction === 'forward' ? n.to : n.from} | ${n.lag ?? ''} |`,
    ),
  );
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
  if (state.ledger.length > 0)
    lines.push('', `Borrowed: ${state.ledger.map((b) => `\`${b.id}\``).join(', ')}`);
  const undo = describeUndo(state);
  if (undo !== undefined) lines.push('', undo);
  if (run.outcome === 'running') lines.push('', state.resumeHint);
  return lines.join('\n');
}

/** Where a run is going, in a few words. */
const aimOf = ({ upgrade, formation }: RunState['spec']): string =>
  upgrade ? `to ${upgrade.to}` : `a cluster from ${formation.seed}`;
