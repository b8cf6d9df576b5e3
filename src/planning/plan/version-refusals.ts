import type { PlanNode, Refusal } from '../../contracts/plan.js';
import { versionPath } from '../version-path.js';
import { notLearned, type PlanInput } from './input.js';

/** Why the target cannot be reached from what the nodes run, by the system's table. */
export function versionRefusals(input: PlanInput, changes: readonly PlanNode[]): readonly Refusal[] {
  const { to } = input.upgrade;
  const sources = [...new Set(changes.map((n) => n.from))].filter((from) => from !== notLearned);
  return sources.flatMap((from): Refusal[] => {
    const ids = changes.filter((n) => n.from === from).map((n) => n.id);
    const step = `${ids.join(', ')}: ${from} → ${to}`;
    const path = versionPath(from, to, input.rules);
    switch (path.kind) {
      case 'direct':
        return [];
      case 'same':
        return [
          {
            code: 'VERSION_SPELLING',
            message: `${ids.join(', ')} report ${from}, which is ${to} written differently`,
            remedy: `Write the target as the nodes report it: to: "${from}".`,
          },
        ];
      case 'refused':
        return [
          { code: path.code, message: `${step}: ${path.reason} (${path.source})`, remedy: path.remedy },
        ];
      case 'via':
        return [
          {
            code: 'MISSING_WAYPOINT',
            message: `${step} must go by way of ${path.waypoints.join(', ')}: ${path.reason} (${path.source})`,
            remedy: `Upgrade in these steps, each a run of its own: ${[from, ...path.waypoints, to].join(' → ')}.`,
          },
        ];
    }
  });
}
