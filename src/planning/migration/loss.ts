import { lossWindowOf } from '../../contracts/loss-window.js';
import type { RunFailure, RunState } from '../../contracts/run.js';

/**
 * The failure of a run whose acknowledged writes went with the destination, in the window that its spec accepts by
 * name: how many, when they were acknowledged, and where they were (R-PROOF 2). `undefined`: they are not explained by
 * it, because they were acknowledged before the destination took the writes or after it was given up.
 */
export function acceptedLoss(state: RunState): Pick<RunFailure, 'code' | 'message' | 'remedy'> | undefined {
  const found = lossWindowOf(state);
  const { writes, spec } = state;
  if (!found || !writes?.lostBetween || !spec.migration) return undefined;
  const { from, to } = writes.lostBetween;
  if (Date.parse(from) < Date.parse(found.from) || Date.parse(to) > Date.parse(found.to)) return undefined;
  const { source, destination } = spec.migration;
  return {
    code: 'WRITES_LOST',
    message: `${writes.lost} of ${writes.acknowledged} acknowledged writes are lost with ${destination}: it confirmed them from ${from} to ${to}, before ${source} had them; the spec accepts this window by name, ${found.window}`,
    remedy: `These are the probe's, with the keys in lostKeys: other clients have lost what ${destination} confirmed to them then. Keep its data directories; what can be read of them tells what is missing on ${source}.`,
  };
}
