import { formatClock, formatLevels, switchWords } from '../format.js';
import type { Summary } from '../summary-schema.js';

/** Each version switch: where it stands, and what was true before it. */
export function switchLines(summary: Summary): string[] {
  return summary.switches.flatMap((s) => {
    const width = Math.max(0, ...s.predicates.map((p) => p.name.length));
    return [
      `${formatLevels(s, summary)}  ${standing(s, summary)}`,
      `${switchWords[s.how]}, ${s.clearedAt === undefined ? 'not cleared' : `cleared at ${formatClock(s.clearedAt)}`}`,
      ...s.predicates.map((p) => `  ${formatClock(p.at)}  ${p.name.padEnd(width)}  ${p.observed}`),
    ];
  });
}

function standing({ at, nodesAtLevel }: Summary['switches'][number], { run }: Summary): string {
  const on = nodesAtLevel.length === 0 ? '' : `on ${nodesAtLevel.join(', ')}`;
  if (at !== undefined) return `at ${formatClock(at)}, ${on === '' ? 'on no node' : on}`;
  return `${run.outcome === 'running' ? 'not reached yet' : 'NOT REACHED'}${on === '' ? '' : `; ${on}`}`;
}
