import { Command } from 'commander';
import { describePipelinePlan, describePlan } from '../../../planning/describe.js';
import { checkPipeline, checkTarget, loadSpecs } from '../../../spec/index.js';
import type { Cli } from '../cli.js';
import { exitCodeOfPlan } from '../exit-codes.js';
import { fileOption } from '../options.js';
import { isOfPipeline } from '../which-run.js';

interface PlanOptions {
  readonly file: readonly string[];
  readonly upgrade?: string;
  readonly pipeline?: string;
}

export function planCommand(cli: Cli): Command {
  return new Command('plan')
    .description(
      'say what an upgrade would do; reads only (exit code 0 possible, 10 already done, 1 refused)',
    )
    .addOption(fileOption('file with the Cluster and the RollingUpgrade or Pipeline').makeOptionMandatory())
    .option('--upgrade <name>', 'which RollingUpgrade, where the files hold several')
    .option('--pipeline <name>', 'which Pipeline, where the files hold several')
    .action(
      cli.action(async (run, options: PlanOptions) => {
        const specs = await loadSpecs(options.file);
        if (isOfPipeline(specs, options)) {
          const plan = await run.client.planPipeline(checkPipeline(specs, options.pipeline));
          run.data(plan, describePipelinePlan(plan));
          return exitCodeOfPlan(plan);
        }
        const { cluster, upgrade } = checkTarget(specs, options.upgrade);
        const plan = await run.client.plan(cluster, upgrade);
        run.data(plan, describePlan(plan));
        return exitCodeOfPlan(plan);
      }),
    );
}
