import { Command } from 'commander';
import { checkMigration, checkPipeline, checkTarget, loadSpecs } from '../../../spec/index.js';
import type { RunHandle } from '../../run-handle.js';
import type { Cli } from '../cli.js';
import { fileOption } from '../options.js';
import { kindOfRun, type NamedRun } from '../which-run.js';
import { addFollowOptions, planHashOption, tellStarted, type FollowOptions } from '../started.js';

interface StartOptions extends FollowOptions, NamedRun {
  readonly file: readonly string[];
  readonly planHash?: string;
}

export function startCommand(cli: Cli): Command {
  const command = new Command('start')
    .description('start a run; with --wait follow it and exit with its outcome')
    .addOption(
      fileOption(
        'file with the Cluster and the RollingUpgrade, StorageMigration or Pipeline',
      ).makeOptionMandatory(),
    )
    .option('--upgrade <name>', 'which RollingUpgrade, where the files hold several')
    .option('--migration <name>', 'which StorageMigration, where the files hold several')
    .option('--pipeline <name>', 'which Pipeline, where the files hold several')
    .addOption(planHashOption());
  return addFollowOptions(command).action(
    cli.action(
      async (run, options: StartOptions) => {
        const specs = await loadSpecs(options.file);
        const expectPlan = options.planHash;
        return tellStarted(run, await begin(), options);

        function begin(): Promise<RunHandle> {
          switch (kindOfRun(specs, options)) {
            case 'pipeline':
              return run.client.startPipeline({ ...checkPipeline(specs, options.pipeline), expectPlan });
            case 'migration':
              return run.client.startMigration({ ...checkMigration(specs, options.migration), expectPlan });
            case 'upgrade':
              return run.client.start({ ...checkTarget(specs, options.upgrade), expectPlan });
          }
        }
      },
      { ownsInterrupt: true },
    ),
  );
}
