import {
  opposite,
  passedFrom,
  receiverOf,
  senderOf,
  type Direction,
  type PassedValidation,
} from '../../../contracts/migration.js';
import { valueOf } from '../../../contracts/observed.js';
import type { SideSwitch } from '../../../contracts/run.js';
import { cutoverValidation } from '../../../planning/migration/phases.js';
import { act, actLong, actPatiently } from '../../activities.js';
import { migrationOf } from '../../migration-run.js';
import {
  checkInterrupt,
  failStep,
  interruptible,
  now,
  recordVerdicts,
  shielded,
  tell,
  type Run,
} from '../../run.js';
import { borrow, borrowSettings, giveBackSettings, settle, withdraw } from '../../saga.js';
import { bookkeeping, cutId, cutOf, fenceId, fenceOf, migrationId, streamId, streamOf } from './borrowed.js';
import { awaitStream, releaseCut } from './compare.js';

/**
 * Move the writes to the other side: the way back first, then the fence, then the opening (R-MIG 1, 2). Fails without
 * a trace while the sending side can be opened again. Nothing of the run may be awaited between its end and the
 * next phase.
 */
export async function moveWrites(run: Run, direction: Direction): Promise<void> {
  const { spec, state, pair, target } = migrationOf(run);
  const validation = validationFor(run, direction);
  const way = opposite(direction);
  const synchronous = direction === 'forward' && spec.observe.synchronousReverse;
  // A sender that has failed over has no slot any more. One that is closed already is not made to wait for this.
  if (!isHalfMoved(run, direction)) await awaitStream(run, direction);
  await startWayBack(run, way, synchronous);
  await requireReplicas(run, direction);
  if (synchronous) {
    const request = await act('synchronousRequest', 'ask how the way back is made synchronous', {
      ...target,
      direction: way,
    });
    await borrowSettings(run, [request]);
  }
  // A wish that came until now is obeyed; one that comes later is told when it takes effect.
  checkInterrupt(run);
  const record: SideSwitch = {
    ...{ direction, validation: validation.id },
    ...{ startedAt: now(), result: 'in-progress' },
  };
  state.switches.push(record);
  try {
    await shielded(run, () => closeAndOpen(run, direction, validation, record));
  } catch (error) {
    record.result = 'undone';
    throw error;
  }
  tell(run, 'migration', `${pair[state.authority].name} takes the writes`);
}

/** Back: equality was shown before the writes came here, and nothing else has written to the source since. */
function validationFor(run: Run, direction: Direction): PassedValidation {
  const { state } = migrationOf(run);
  const forward = state.switches.findLastIndex((s) => s.direction === 'forward' && s.result === 'done');
  const before = direction === 'forward' ? state.switches : state.switches.slice(0, Math.max(0, forward));
  const found = cutoverValidation({ ...state, switches: before });
  const passed = found && passedFrom(found);
  if (!passed)
    failStep('STUCK', 'no comparison has passed since the writes moved', 'Roll back, and begin anew.');
  return passed;
}

/** The changes of the side that will take the writes flow to the one that takes them now. */
async function startWayBack(run: Run, direction: Direction, synchronous: boolean): Promise<void> {
  const { target } = migrationOf(run);
  borrow(run, streamOf(direction), { id: streamId(direction), kind: 'stop-stream', direction });
  await actLong('startStream', `start the stream ${direction}`, { ...target, direction, synchronous });
  await awaitStream(run, direction);
}

/** Clients wait from here to the end. */
async function closeAndOpen(
  run: Run,
  direction: Direction,
  validation: PassedValidation,
  record: SideSwitch,
): Promise<void> {
  const { spec, state, pair, target } = migrationOf(run);
  const closes = pair[senderOf(direction)].name;
  borrow(run, fenceOf(direction, closes), { id: fenceId(direction), kind: 'unfence-side', direction });
  // Again and again: nobody waits while a side cannot be reached.
  const fence = await actPatiently('fenceSide', `close ${closes}`, {
    ...target,
    ...{ direction, maxWritePauseMs: spec.cutover.maxWritePause, timeoutMs: spec.timeouts.handover },
  });
  record.position = fence.position;
  const opens = `open ${pair[receiverOf(direction)].name}`;
  try {
    const opening = await actPatiently('openSide', opens, { ...target, direction, fence, validation });
    record.openedAt = opening.at;
    record.writeGapMs = opening.writeGapMs;
  } catch (error) {
    // Its reply may be lost for good where its effect is not: never is the sender opened beside the receiver.
    const sides = await actPatiently('observeSides', 'see which side is open', target);
    if (valueOf(sides[receiverOf(direction)]) !== true) throw error;
    record.openedAt = now();
  }
  record.result = 'done';
  run.state.leftUndone = run.state.leftUndone.filter((l) => l.what !== fenceId(direction));
  state.authority = receiverOf(direction);
  state.fenceCut = fence.cut;
  const { name } = fence.cut;
  borrow(run, cutOf(name), { id: cutId(name), kind: 'release-cut', name });
  // Closed it stays, until the writes come back; and what was closed on the other side is open now.
  withdraw(run, fenceId(direction));
  settle(run, fenceId(opposite(direction)));
  // It is too late to discard while the destination has writes of its own.
  if (direction === 'forward') withdraw(run, migrationId);
  else borrow(run, bookkeeping(), { id: migrationId, kind: 'discard-migration' });
}

/**
 * What the writes left is only followed from here on: the stream that brought them here has carried its last one.
 * Begun again it does nothing.
 */
export async function endStream(run: Run, direction: Direction): Promise<void> {
  const { target } = migrationOf(run);
  if (!run.state.ledger.some((b) => b.id === streamId(direction))) return;
  // Before the stream that it waits for ends, and never while it is needed.
  if (direction === 'back') await giveBackSettings(run);
  await actLong('stopStream', `end the stream ${direction}`, { ...target, direction });
  settle(run, streamId(direction));
}

/**
 * An attempt to move the writes could not be undone: the sender is closed still, and clients wait until the next one
 * goes on with it.
 */
export const isHalfMoved = (run: Run, direction: Direction): boolean =>
  run.state.ledger.some((b) => b.id === fenceId(direction));

/** The snapshots at the fence keep both servers from tidying up. */
export async function releaseFenceCut(run: Run): Promise<void> {
  const { state } = migrationOf(run);
  if (!state.fenceCut) return;
  await releaseCut(run, state.fenceCut.name);
  state.fenceCut = undefined;
}

/** Every node of the side that takes the writes after a move in this direction serves and follows. */
export async function requireReplicas(run: Run, direction: Direction): Promise<void> {
  const { spec, target } = migrationOf(run);
  const verdict = await interruptible(run, () =>
    act('awaitReplicas', 'see that the replicas of the new side follow', {
      ...target,
      side: receiverOf(direction),
      ...{ maxLag: spec.maxLag, timeoutMs: spec.timeouts.gate, pollMs: spec.poll },
    }),
  );
  recordVerdicts(run, [verdict]);
  if (verdict.verdict === 'pass') return;
  failStep(
    'GATE_HELD',
    `${verdict.name}: ${verdict.observed}; needs: ${verdict.required}`,
    'Bring every node up, then retry.',
  );
}
