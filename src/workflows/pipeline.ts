import { workflowInfo } from '@temporalio/workflow';
import type { Outcome, PipelineInput, PipelineState, RunState } from '../contracts/run.js';
import { planChanged } from './accept-plan.js';
import { act } from './activities.js';
import { installControls } from './controls.js';
import { createStageRun, now, runOf } from './run.js';
import { runUpgrade, undoUpgrade, upgradeWay } from './rolling-upgrade.js';
import { finish } from './steps/finish.js';

/**
 * Stages in order as one run: each plans anew from what it finds. A stage that does not complete ends the pipeline;
 * where the spec says so, the stages before it are undone, newest first. Returns the state of the last stage that
 * did something, with what has become of all.
 */
export async function pipeline(input: PipelineInput): Promise<RunState> {
  const { pipeline: spec, upgrades, cluster } = input;
  const ended: RunState[] = [...(input.ended ?? [])];
  const progress = input.state?.pipeline ?? begin(input);
  const carry = (state: RunState): PipelineInput => ({ cluster, pipeline: spec, upgrades, state, ended });
  if (input.expectPlan !== undefined && input.state === undefined) {
    const { hash } = await act('makePipelinePlan', `plan the stages of ${spec.name}`, {
      cluster,
      runId: progress.runId,
      upgrades,
    });
    if (hash !== input.expectPlan) return refused(input, progress, hash);
  }

  let resumed = input.state;
  while (progress.direction === 'forward') {
    const upgrade = upgrades[progress.stage];
    if (!upgrade) break;
    const stageInput = { ...input, state: resumed };
    resumed = undefined;
    const run = createStageRun(stageInput, upgrade, progress, upgradeWay, carry);
    await runUpgrade(run);
    const { outcome } = run.state.run;
    settle(progress, outcome);
    run.state.pipeline = progress;
    ended.push(withoutHistory(run.state));
    if (outcome !== 'completed') {
      if (spec.onFailure === 'stay' || outcome !== 'rolled-back') return run.state;
      progress.direction = 'back';
    }
    progress.stage += progress.direction === 'forward' ? 1 : -1;
  }
  if (progress.direction === 'forward') return last(ended, progress);

  while (progress.stage >= 0) {
    const done = ended.find((s) => s.run.id === progress.stages[progress.stage]?.runId);
    if (!done || done.plan?.kind === 'done') {
      progress.stage -= 1;
      continue;
    }
    const state = resumed ?? again(done, progress);
    resumed = undefined;
    const run = runOf(state, upgradeWay, carry);
    await (state.direction === 'back' ? runUpgrade(run) : undoUpgrade(run));
    settle(progress, run.state.run.outcome);
    ended.push(withoutHistory(run.state));
    if (run.state.run.outcome !== 'rolled-back') return run.state;
    progress.stage -= 1;
  }
  return last(ended, progress);
}

function begin({ pipeline: spec, upgrades }: PipelineInput): PipelineState {
  const { firstExecutionRunId: runId } = workflowInfo();
  return {
    name: spec.name,
    runId,
    onFailure: spec.onFailure,
    stage: 0,
    direction: 'forward',
    stages: upgrades.map((u, i) => ({ name: u.name, to: u.to, runId: `${runId}.${i + 1}` })),
  };
}

function settle(progress: PipelineState, outcome: Outcome): void {
  const stage = progress.stages[progress.stage];
  if (stage) stage.outcome = outcome;
}

/** A stage that completed, to be undone: its nodes and plan as they were, everything of the run itself new. */
function again(done: RunState, progress: PipelineState): RunState {
  return {
    ...done,
    run: { ...done.run, id: `${done.run.id}.back`, startedAt: now(), endedAt: undefined, outcome: 'running' },
    pipeline: progress,
    phase: 'planning',
    direction: 'forward',
    steps: [],
    gates: [],
    handovers: [],
    backups: [],
    compensations: [],
    ledger: [],
    leftUndone: [],
    timeline: [],
    samples: [],
    faults: [],
    failure: undefined,
    writes: undefined,
    resumeHint: '',
  };
}

/** What a way back needs of a stage; what it showed is in its report. */
const withoutHistory = (state: RunState): RunState => ({ ...state, timeline: [], samples: [] });

function last(ended: readonly RunState[], progress: PipelineState): RunState {
  const state = ended.at(-1);
  if (!state) throw new RangeError('a pipeline has at least one stage');
  return { ...state, pipeline: progress };
}

/** Nothing was changed: the stages are not what was read. */
async function refused(input: PipelineInput, progress: PipelineState, hash: string): Promise<RunState> {
  const [first] = input.upgrades;
  if (!first) throw new RangeError('a pipeline has at least one stage');
  const run = createStageRun(input, first, progress, upgradeWay, () => input);
  installControls(run);
  run.state.failure = planChanged(hash, input.expectPlan ?? '', 'plan');
  await finish(run, 'failed');
  return run.state;
}
