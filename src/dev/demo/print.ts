import { styleText } from 'node:util';
import type { Outcome, RunState } from '../../contracts/index.js';
import { summarize } from '../../report/summarize.js';
import { renderText } from '../../report/render-text.js';
import type { PlannedFault } from '../faults.js';

export const say = (title: string): void => console.log(`\n${styleText('bold', title)}`);

/** Print the events that came since `told`; returns how many have been told now. */
export function tellProgress(state: RunState, told: number): number {
  for (const event of state.timeline.slice(told)) {
    console.log(`  ${event.at.slice(11, 23)}  ${event.text}`);
  }
  return state.timeline.length;
}

export function describeFault(fault: PlannedFault): string {
  if (fault.activity === 'drainNode') return 'the drain of a replica';
  if (fault.activity === 'fencePrimary') return 'the handover, between fence and promotion';
  if (fault.activity === 'transferPrimary') return 'the handover, between transfer and verification';
  return `${fault.activity}${fault.node === undefined ? '' : ` of ${fault.node}`}`;
}

/** The end of the demo, and whether everything that it promises holds. */
export function printEnd(state: RunState, wanted: { expected: Outcome; kills: number }): boolean {
  const summary = summarize(state);
  console.log(`\n${renderText(summary)}`);
  const lost = state.writes?.lost;
  const history = state.writes?.linearizability;
  const promises: [boolean, string][] = [
    [state.run.outcome === wanted.expected, `outcome ${state.run.outcome} (expected ${wanted.expected})`],
    [
      lost === 0,
      `acknowledged ${state.writes?.acknowledged ?? 'unknown'}, lost ${lost ?? 'unknown'}, longest write gap ${state.writes?.writeGaps[0]?.ms ?? 'unknown'} ms`,
    ],
    [(state.writes?.acknowledged ?? 0) > 0, 'writes were acknowledged at all'],
    [
      state.faults.length === wanted.kills,
      `worker killed ${state.faults.length} times (planned ${wanted.kills})`,
    ],
    ...(history === undefined
      ? []
      : ([
          [history.verdict === 'linearizable', `${history.operations} reads and writes: ${history.verdict}`],
        ] satisfies [boolean, string][])),
    [state.ledger.length === 0 && state.leftUndone.length === 0, 'nothing is left borrowed'],
  ];
  for (const [holds, text] of promises)
    console.log(`${holds ? styleText('green', '✓') : styleText('red', '✗')} ${text}`);
  return promises.every(([holds]) => holds);
}
