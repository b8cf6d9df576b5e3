import { formatBytes, formatClock } from '../format.js';
import type { Summary } from '../summary-schema.js';

/** Where a formation stands, what it has reached and when, and what its seed came from. */
export function formationLines(summary: Summary): string[] {
  const { seed, mode, checkpoint, checkpoints = [], snapshot, keptStandalone, stages = [] } = summary;
  if (seed === undefined) return [];
  return [
    `mode ${mode ?? 'not read'}, checkpoint ${checkpoint ?? 'none'}`,
    `stages ${stages.join(', ')}`,
    ...checkpoints.map((c) => `  ${formatClock(c.at)}  ${c.name}`),
    ...(snapshot
      ? [
          `snapshot  ${snapshot.content}  ${formatBytes(snapshot.bytes)}`,
          `  ${snapshot.hash}`,
          `  sha256 ${snapshot.sha256}`,
        ]
      : []),
    ...(keptStandalone === undefined ? [] : [`the standalone's own data is kept at ${keptStandalone}`]),
  ];
}
