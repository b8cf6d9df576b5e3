import { ActivityFailure, ApplicationFailure, CancellationScope } from '@temporalio/workflow';
import type { BorrowedSetting } from '../contracts/ledger.js';
import { opposite, type Direction } from '../contracts/migration.js';
import type { Compensation, RunFailure } from '../contracts/run.js';
import type { BorrowRequest, NodeId } from '../contracts/view.js';
import { act, actPatiently } from './activities.js';
import { targetWith } from './focus.js';
import { now, StepFailure, targetOf, tell, type Run } from './run.js';
import { undoInMigration } from './steps/migration/undo.js';

/** Record how to undo a step, before it acts. */
export function push(run: Run, compensation: Compensation): void {
  if (run.state.compensations.some((c) => c.id === compensation.id)) return;
  run.state.compensations.push(compensation);
}

/** The same step is undone in another way from now on. */
export function amend(run: Run, compensation: Compensation): void {
  run.state.compensations = run.state.compensations.map((c) => (c.id === compensation.id ? compensation : c));
}

/** What was borrowed has been given back in the ordinary course, or cannot be undone any more. */
export function settle(run: Run, id: string): void {
  run.state.compensations = run.state.compensations.filter((c) => c.id !== id);
  run.state.ledger = run.state.ledger.filter((b) => b.id !== id);
}

/** What was borrowed stays so, but its time to be given back by itself is over. */
export function withdraw(run: Run, id: string): void {
  run.state.compensations = run.state.compensations.filter((c) => c.id !== id);
}

/** Enter something into the ledger, before it is taken, that another compensation of the run gives back. */
export function lend(run: Run, borrowed: BorrowedSetting): void {
  if (!run.state.ledger.some((b) => b.id === borrowed.id)) run.state.ledger.push(borrowed);
}

/** Enter something of the user's into the ledger together with its compensation, before it is taken. */
export function borrow(run: Run, borrowed: BorrowedSetting, compensation: Compensation): void {
  lend(run, borrowed);
  push(run, compensation);
}

/** Borrow the settings that an accepted window needs. */
export async function borrowSettings(run: Run, requests: readonly BorrowRequest[]): Promise<void> {
  for (const request of requests) {
    const id = `setting/${request.node}/${request.setting}`;
    const there = run.state.ledger.find((b) => b.id === id);
    if (there) {
      push(run, { id, kind: 'give-back', borrowed: there });
      continue;
    }
    const { formerValue } = await act('readSetting', `read ${request.setting} of ${request.node}`, {
      ...targetOf(run, request.node),
      request,
    });
    const borrowed: BorrowedSetting = {
      id,
      kind: 'setting',
      node: request.node,
      name: request.setting,
      formerValue,
      value: request.value,
      borrowedAt: now(),
      giveBack:
        formerValue === undefined
          ? `unset ${request.setting} on ${request.node}`
          : `set ${request.setting} on ${request.node} to ${formerValue}`,
    };
    borrow(run, borrowed, { id, kind: 'give-back', borrowed });
    await act('borrowSetting', `borrow ${request.setting} of ${request.node}`, {
      ...targetOf(run, request.node),
      borrowed,
    });
    tell(run, 'step', `borrowed ${request.setting} of ${request.node}`, request.node);
  }
}

/** Give every borrowed setting back, in the ordinary course. */
export async function giveBackSettings(run: Run): Promise<void> {
  for (const borrowed of run.state.ledger.filter((b) => b.kind === 'setting').reverse()) {
    await act('giveBackSetting', `give back ${borrowed.name} of ${borrowed.node ?? 'the cluster'}`, {
      ...targetOf(run, borrowed.node),
      borrowed,
    });
    settle(run, borrowed.id);
    tell(run, 'step', `gave back ${borrowed.name} of ${borrowed.node ?? 'the cluster'}`, borrowed.node);
  }
}

/**
 * Undo everything that is recorded, but what was in `kept`, newest first. It cannot be cancelled; a compensation
 * that fails is recorded with what undoes it by hand, and the rest still runs.
 */
export async function compensate(run: Run, kept: readonly Compensation[] = []): Promise<void> {
  await CancellationScope.nonCancellable(async () => {
    for (;;) {
      const compensation = run.state.compensations.findLast((c) => !kept.includes(c));
      if (!compensation) return;
      try {
        await undo(run, compensation);
        tell(run, 'compensation', `undone: ${compensation.id}`);
      } catch (error) {
        const failure = failureOf(error);
        run.state.leftUndone.push({
          what: compensation.id,
          command: byHand(compensation),
          error: `${failure.code}: ${failure.message}`,
        });
        tell(run, 'compensation', `NOT undone: ${compensation.id}: ${failure.message}`);
        // The entry leaves the stack so that the rest runs; the ledger keeps what is still borrowed.
        run.state.compensations = run.state.compensations.filter((c) => c.id !== compensation.id);
        if (compensation.kind === 'unfence' && failure.code === 'PRIMARY_MOVED')
          keepReplicas(run, compensation.node);
        if (compensation.kind === 'unfence-side') keepWayBack(run, opposite(compensation.direction));
        continue;
      }
      settle(run, compensation.id);
    }
  });
}

/** Another node is the primary by now: nobody is pointed back to the old one, which stays down. */
function keepReplicas(run: Run, old: NodeId): void {
  run.state.compensations = run.state.compensations.filter(
    (c) => c.kind !== 'restore-upstream' || c.upstream !== old,
  );
}

/** The other side may take writes by now: what carries them back, and makes it wait for that, stays as it is. */
function keepWayBack(run: Run, direction: Direction): void {
  run.state.compensations = run.state.compensations.filter(
    (c) => c.kind !== 'give-back' && (c.kind !== 'stop-stream' || c.direction !== direction),
  );
}

/** Put a fenced primary back; `asked` is the candidate whose promotion may have been asked for. */
export async function takeBackFence(run: Run, node: NodeId, asked: NodeId | undefined): Promise<void> {
  const { timeouts, poll } = run.settings;
  await actPatiently('unfencePrimary', `put ${node} back as primary`, {
    ...run.target,
    ...{ node, asked, timeoutMs: timeouts.start, pollMs: poll },
  });
  run.state.fence = undefined;
}

async function undo(run: Run, compensation: Compensation): Promise<void> {
  switch (compensation.kind) {
    case 'unfence':
      return takeBackFence(run, compensation.node, compensation.asked);
    case 'rejoin':
      if (run.state.release) {
        await act('releaseFence', `release ${compensation.node}`, { ...run.target, ...run.state.release });
        run.state.release = undefined;
      }
      await act('startNode', `start ${compensation.node} as a replica of ${compensation.upstream}`, {
        ...run.target,
        node: compensation.node,
        asReplicaOf: compensation.upstream,
      });
      return;
    case 'unprepare':
      await act('unprepareHandover', 'undo the preparation of the handover', {
        ...run.target,
        from: compensation.from,
        candidates: compensation.candidates,
      });
      return;
    case 'restore-upstream':
      await act('followPrimary', `point ${compensation.node} back to ${compensation.upstream}`, {
        ...run.target,
        node: compensation.node,
        upstream: compensation.upstream,
      });
      return;
    case 'remove-learner':
      await act('removeMember', `take the learner ${compensation.node} out again`, {
        ...targetWith(run, compensation.node),
        node: compensation.node,
        timeoutMs: run.settings.timeouts.stop,
        pollMs: run.settings.poll,
      });
      return;
    case 'cancel-lowering':
      await act('cancelLowering', `withdraw the lowering of ${compensation.group}`, run.target);
      return;
    case 'restore-routing':
      await act('restoreNode', `put ${compensation.node} back into routing`, {
        ...run.target,
        node: compensation.node,
      });
      return;
    case 'give-back':
      await act('giveBackSetting', `give back ${compensation.borrowed.name}`, {
        ...targetOf(run, compensation.borrowed.node),
        borrowed: compensation.borrowed,
      });
      return;
    case 'stop-probe':
      await act('stopProbe', 'stop the probe', run.target);
      return;
    case 'drop-scratch':
      if (run.state.migration?.lost !== 'source') {
        await act('dropScratch', 'remove the scratch objects', run.target);
      }
      // They were copied like everything else.
      if (run.state.spec.migration && run.state.migration?.phase === 'accepted') {
        const target = { ...run.target, cluster: run.state.spec.destination };
        await act('dropScratch', 'remove the scratch objects of the destination', target);
      }
      return;
    case 'discard-migration':
    case 'stop-stream':
    case 'unfence-side':
    case 'release-cut':
      return undoInMigration(run, compensation);
  }
}

function byHand(compensation: Compensation): string {
  switch (compensation.kind) {
    case 'unfence':
      return `make ${compensation.node} the primary again, unless another node is: start it without its standby mark`;
    case 'rejoin':
      return `start ${compensation.node} as a replica of ${compensation.upstream}`;
    case 'unprepare':
      return `remove what the handover from ${compensation.from} prepared on ${compensation.candidates.join(', ')} (unused replication slots)`;
    case 'restore-upstream':
      return `point ${compensation.node} to ${compensation.upstream}`;
    case 'remove-learner':
      return `remove the learner ${compensation.node} from the member list by the system's own command, and stop its process`;
    case 'cancel-lowering':
      return `cancel the downgrade of ${compensation.group} by the system's own command`;
    case 'restore-routing':
      return `make ${compensation.node} healthy, then put it back into client routing`;
    case 'give-back':
      return compensation.borrowed.giveBack;
    case 'stop-probe':
      return 'end the probe process named in the artifacts directory of this run';
    case 'drop-scratch':
      return 'drop the scratch schema on the primary';
    case 'discard-migration':
    case 'stop-stream':
    case 'unfence-side':
    case 'release-cut':
      return 'rollgate migrate discard, once the cause is gone';
  }
}

/** The failure behind whatever a step threw. */
export function failureOf(error: unknown, node?: NodeId): RunFailure {
  if (error instanceof StepFailure) return error.failure;
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure) {
    const details = cause.details?.[0] as { remedy?: string } | undefined;
    return {
      code: cause.type ?? 'INTERNAL',
      message: cause.message,
      remedy: details?.remedy ?? 'Remove the cause, then retry; or roll back or abort.',
      node,
      at: now(),
    };
  }
  const activity = error instanceof ActivityFailure ? ` in ${error.activityType}` : '';
  return {
    code: 'INTERNAL',
    message: `${cause instanceof Error ? cause.message : String(cause)}${activity}`,
    remedy:
      'The outcome of the last effect is unknown: the run observes before it goes on. Retry, or roll back or abort.',
    node,
    at: now(),
  };
}
