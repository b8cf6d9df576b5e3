import { Command } from 'commander';
import { describePlan } from '../../../planning/describe.js';
import { checkTarget, loadSpecs } from '../../../spec/index.js';
import type { Cli } from '../cli.js';
import { exitCodeOfPlan } from '../exit-codes.js';
import { fileOption } from '../options.js';

interface PlanOptions {
  readonly file: readonly string[];
  readonly upgrade?: string;
}

export function planCommand(cli: Cli): Command {
  return new Command('plan')
    .description(
      'say what an upgrade would do; reads only (exit code 0 possible, 10 already done, 1 refused)',
    )
    .addOption(fileOption('file with the Cluster and the RollingUpgrade').makeOptionMandatory())
    .option('--upgrade <name>', 'which RollingUpgrade, where the files hold several')
    .action(
      cli.action(async (run, options: PlanOptions) => {
        const { cluster, upgrade } = checkTarget(await loadSpecs(options.file), options.upgrade);
        const plan = await run.client.plan(cluster, upgrade);
        run.data(plan, describePlan(plan));
        return exitCodeOfPlan(plan);
      }),
    );
}
