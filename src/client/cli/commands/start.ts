import { Command } from 'commander';
import { checkTarget, loadSpecs } from '../../../spec/index.js';
import type { RunHandle } from '../../run-handle.js';
import type { Cli, Invocation } from '../cli.js';
import { exitCodes } from '../exit-codes.js';
import { fileOption, timeoutOption } from '../options.js';
import { watchRun } from '../watch-run.js';

interface StartOptions {
  readonly file: readonly string[];
  readonly upgrade?: string;
  readonly planHash?: string;
  readonly wait?: boolean;
  readonly timeout?: number;
  readonly exitOnApproval?: boolean;
}

export function startCommand(cli: Cli): Command {
  return new Command('start')
    .description('start a run; with --wait follow it and exit with its outcome')
    .addOption(fileOption('file with the Cluster and the RollingUpgrade').makeOptionMandatory())
    .option('--upgrade <name>', 'which RollingUpgrade, where the files hold several')
    .option('--plan-hash <hash>', 'the plan that was read; the run changes nothing if its own plan differs')
    .option('--wait', 'follow the run until it is over, also while it waits for approval')
    .addOption(timeoutOption())
    .option('--exit-on-approval', 'with --wait: end with exit code 5 as soon as an approval is waited for')
    .action(
      cli.action(
        async (run, options: StartOptions) => {
          const { cluster, upgrade } = checkTarget(await loadSpecs(options.file), options.upgrade);
          const handle = await run.client.start({ cluster, upgrade, expectPlan: options.planHash });
          if (options.wait !== true) return tellStarted(run, handle);
          run.log(`started ${handle.workflowId}, run ${handle.runId}`);
          await warnWithoutWorker(run);
          return watchRun(run, handle, {
            events: 'stderr',
            timeoutMs: options.timeout,
            exitOnApproval: options.exitOnApproval,
          });
        },
        { ownsInterrupt: true },
      ),
    );
}

async function tellStarted(run: Invocation, handle: RunHandle): Promise<number> {
  const { cluster, workflowId, runId } = handle;
  const { taskQueue } = run;
  const lines = [
    `started      ${workflowId}`,
    `run          ${runId}`,
    `follow it    rollgate watch ${cluster}`,
    `look at it   rollgate status ${cluster}`,
    `steer it     rollgate pause|resume|approve|reject|retry|skip|rollback|abort ${cluster}`,
    `Temporal UI  the workflow with the id ${workflowId}`,
  ];
  run.data({ cluster, workflowId, runId, taskQueue }, lines.join('\n'));
  await warnWithoutWorker(run);
  return exitCodes.done;
}

/** The run is durable and may wait for its worker, but hardly anybody means it to. */
async function warnWithoutWorker(run: Invocation): Promise<void> {
  if ((await run.client.workers()).length > 0) return;
  run.log(
    `no worker serves task queue ${run.taskQueue}: the run begins once there is one (rollgate worker --task-queue ${run.taskQueue})`,
  );
}
