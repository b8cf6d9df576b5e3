import { chaptersOf, isOver, type Plan, type RunState } from '../../contracts/index.js';

/** What the process says at its end. Errors bring their own code from the error catalogue. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  rolledBack: 3,
  compensationIncomplete: 4,
  waitingForApproval: 5,
  notFoundOrRunning: 6,
  planAlreadyDone: 10,
  waitTimedOut: 124,
  interrupted: 130,
} as const;

/** The exit code that a run's state means. What is left undone or still borrowed outweighs how the run ended. */
export function exitCodeOf(state: RunState): number {
  const { outcome } = state.run;
  if (outcome === 'running' || !isOver(state))
    return state.waiting ? exitCodes.waitingForApproval : exitCodes.done;
  const undone = chaptersOf(state).some((c) => c.leftUndone.length > 0 || c.ledger.length > 0);
  if (undone) return exitCodes.compensationIncomplete;
  switch (outcome) {
    case 'completed':
      return exitCodes.done;
    case 'rolled-back':
      return exitCodes.rolledBack;
    case 'aborted':
    case 'failed':
      return exitCodes.failed;
  }
}

export function exitCodeOfPlan(plan: Pick<Plan, 'kind'>): number {
  switch (plan.kind) {
    case 'possible':
      return exitCodes.done;
    case 'done':
      return exitCodes.planAlreadyDone;
    case 'refused':
      return exitCodes.failed;
  }
}
