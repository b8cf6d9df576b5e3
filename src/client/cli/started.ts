import { Option, type Command } from 'commander';
import type { RunHandle } from '../run-handle.js';
import type { Invocation } from './cli.js';
import { exitCodes } from './exit-codes.js';
import { fileArguments, type NamedFiles } from './named-files.js';
import { timeoutOption } from './options.js';
import { watchRun } from './watch-run.js';

export interface FollowOptions {
  readonly wait?: boolean;
  readonly timeout?: number;
  readonly exitOnApproval?: boolean;
}

export const planHashOption = (): Option =>
  new Option('--plan-hash <hash>', 'the plan that was read; the run changes nothing if its own plan differs');

/** The options of every command that starts a run: whether and how it is followed. */
export const addFollowOptions = (command: Command): Command =>
  command
    .option('--wait', 'follow the run until it is over, also while it waits for approval')
    .addOption(timeoutOption())
    .option('--exit-on-approval', 'with --wait: end with exit code 5 as soon as an approval is waited for');

/** Say how to go on with a run that has been started, or with `--wait` follow it; returns the exit code. */
export async function tellStarted(
  run: Invocation,
  handle: RunHandle,
  options: FollowOptions,
  files?: NamedFiles,
): Promise<number> {
  const { cluster, workflowId, runId } = handle;
  const { taskQueue } = run;
  if (options.wait === true) {
    run.log(`started ${workflowId}, run ${runId}`);
    await warnWithoutWorker(run);
    return followStarted(run, handle, options, files);
  }
  const lines = [
    `started      ${workflowId}`,
    `run          ${runId}`,
    `follow it    rollgate watch ${cluster}`,
    `look at it   rollgate status ${cluster}`,
    ...(files ? [`its data     rollgate form status ${fileArguments(files)}`] : []),
    `steer it     rollgate pause|resume|approve|reject|retry|skip|rollback|abort ${cluster}`,
    `Temporal UI  the workflow with the id ${workflowId}`,
  ];
  run.data({ cluster, workflowId, runId, taskQueue }, lines.join('\n'));
  await warnWithoutWorker(run);
  return exitCodes.done;
}

export const followStarted = (
  run: Invocation,
  handle: RunHandle,
  options: FollowOptions,
  files?: NamedFiles,
): Promise<number> =>
  watchRun(run, handle, {
    events: 'stderr',
    timeoutMs: options.timeout,
    exitOnApproval: options.exitOnApproval,
    files,
  });

/** The run is durable and may wait for its worker, but hardly anybody means it to. */
async function warnWithoutWorker(run: Invocation): Promise<void> {
  if ((await run.client.workers()).length > 0) return;
  run.log(
    `no worker serves task queue ${run.taskQueue}: the run begins once there is one (rollgate worker --task-queue ${run.taskQueue})`,
  );
}
