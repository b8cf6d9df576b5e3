import { allHandlersFinished, condition, continueAsNew, workflowInfo } from '@temporalio/workflow';
import type { RunState } from '../contracts/run.js';
import { setPhase } from './publish.js';
import { checkInterrupt, Interrupted, failStep, now, tell, type Run, type Unblock } from './run.js';

/**
 * Between two steps, where nothing is half done: pauses hold here, a rollback or an abort begins here, and a
 * long history is exchanged for a new one here.
 */
export async function safePoint(run: Run, phase: RunState['phase']): Promise<void> {
  const { state } = run;
  checkInterrupt(run);
  if (state.pauseRequested) {
    setPhase(state, 'paused');
    tell(run, 'step', 'paused before the next step');
    await condition(() => !state.pauseRequested || run.interrupt !== undefined);
    checkInterrupt(run);
    tell(run, 'step', 'resumed');
  }
  setPhase(state, phase);
  if (workflowInfo().continueAsNewSuggested) {
    await condition(allHandlersFinished);
    // A wish that came meanwhile is not part of the state: it is obeyed here, before the history changes.
    checkInterrupt(run);
    await continueAsNew<(input: unknown) => Promise<RunState>>(run.carry(state));
  }
}

/** Wait for an operator's approval of a step; its expiry is a rejection. */
export async function awaitApproval(run: Run, step: string, title: string): Promise<void> {
  const { state } = run;
  if (state.approved.includes(step)) return;
  const { expireAfter } = run.settings.approvals;
  const since = now();
  const expiresAt = new Date(Date.parse(since) + expireAfter).toISOString();
  const before = state.phase;
  state.waiting = { step, title, since, expiresAt };
  setPhase(state, 'waiting-for-approval');
  tell(run, 'step', `waits for approval of ${step} until ${expiresAt}`);
  delete run.verdict;
  const answered = await condition(
    () => run.verdict !== undefined || run.interrupt !== undefined,
    expireAfter,
  );
  state.waiting = undefined;
  checkInterrupt(run);
  setPhase(state, before);
  if (!answered) {
    state.decisions.push({
      action: 'approval-expired',
      by: 'rollgate',
      reason: `no answer within ${expireAfter} ms`,
      at: now(),
      step,
      accepted: true,
    });
    failStep(
      'APPROVAL_EXPIRED',
      `nobody approved ${step} by ${expiresAt}`,
      'Retry to ask again; or roll back or abort.',
    );
  }
  if (verdictOf(run) === 'rejected') {
    failStep(
      'APPROVAL_REJECTED',
      `the approval of ${step} was rejected`,
      'Retry to ask again; or roll back or abort.',
    );
  }
  state.approved.push(step);
}

const verdictOf = (run: Run): Run['verdict'] => run.verdict;

/** Hold a run whose step has failed until an operator decides. */
export async function awaitUnblock(run: Run): Promise<Unblock> {
  run.unblock = run.interrupt;
  setPhase(run.state, 'blocked');
  await condition(() => run.unblock !== undefined);
  const answer = run.unblock;
  run.unblock = undefined;
  if (answer === undefined) throw new Interrupted('condition ended without an answer');
  return answer;
}
