import { Command } from 'commander';
import { checkPipeline, checkTarget, loadSpecs } from '../../../spec/index.js';
import type { Cli } from '../cli.js';
import { fileOption } from '../options.js';
import { isOfPipeline } from '../which-run.js';
import { addFollowOptions, planHashOption, tellStarted, type FollowOptions } from '../started.js';

interface StartOptions extends FollowOptions {
  readonly file: readonly string[];
  readonly upgrade?: string;
  readonly pipeline?: string;
  readonly planHash?: string;
}

export function startCommand(cli: Cli): Command {
  const command = new Command('start')
    .description('start a run; with --wait follow it and exit with its outcome')
    .addOption(fileOption('file with the Cluster and the RollingUpgrade or Pipeline').makeOptionMandatory())
    .option('--upgrade <name>', 'which RollingUpgrade, where the files hold several')
    .option('--pipeline <name>', 'which Pipeline, where the files hold several')
    .addOption(planHashOption());
  return addFollowOptions(command).action(
    cli.action(
      async (run, options: StartOptions) => {
        const specs = await loadSpecs(options.file);
        const expectPlan = options.planHash;
        const handle = isOfPipeline(specs, options)
          ? await run.client.startPipeline({ ...checkPipeline(specs, options.pipeline), expectPlan })
          : await run.client.start({ ...checkTarget(specs, options.upgrade), expectPlan });
        return tellStarted(run, handle, options);
      },
      { ownsInterrupt: true },
    ),
  );
}
