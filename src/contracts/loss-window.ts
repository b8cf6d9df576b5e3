import { receiverOf } from './migration.js';
import type { RunState } from './run.js';

/** By this name a spec accepts that a cut-back may lose writes when the destination is lost. */
export const reverseAsynchronous = 'reverse-asynchronous';

/** What a destination that was given up has taken with it, because the spec accepted the window. */
export interface LossWindow {
  readonly window: typeof reverseAsynchronous;
  /** The destination had the writes from then on, until it was given up. ISO 8601. */
  readonly from: string;
  readonly to: string;
  /** Of the probe's writes; absent: not measured, because no ledger was written. */
  readonly lost?: number;
}

/**
 * Whether a migration has lost its destination in the window `reverse-asynchronous`, and what that took with it. Of a
 * run that waits for its proof `lost` is not there yet.
 */
export function lossWindowOf({ migration, spec, plan, writes }: RunState): LossWindow | undefined {
  if (migration?.lost !== 'destination' || migration.authority !== 'source') return undefined;
  if (spec.migration?.observe.synchronousReverse !== false) return undefined;
  if (plan?.windows.some((w) => w.name === reverseAsynchronous) !== true) return undefined;
  const opened = migration.switches.findLast(
    (s) => receiverOf(s.direction) === 'destination' && s.result === 'done',
  );
  const closed = migration.phases.findLast((p) => p.phase === 'cut-back');
  if (opened?.openedAt === undefined || !closed) return undefined;
  return {
    ...{ window: reverseAsynchronous, from: opened.openedAt, to: closed.at },
    ...(writes && { lost: writes.lost }),
  };
}
