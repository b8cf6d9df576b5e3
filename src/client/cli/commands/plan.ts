import { Command } from 'commander';
import type { Plan } from '../../../contracts/index.js';
import { describePipelinePlan, describePlan } from '../../../planning/describe.js';
import { checkMigration, checkPipeline, checkTarget, loadSpecs, type Specs } from '../../../spec/index.js';
import type { Cli, Invocation } from '../cli.js';
import { exitCodeOfPlan } from '../exit-codes.js';
import { fileOption } from '../options.js';
import { kindOfRun, type NamedRun } from '../which-run.js';

interface PlanOptions extends NamedRun {
  readonly file: readonly string[];
}

export function planCommand(cli: Cli): Command {
  return new Command('plan')
    .description(
      'say what an upgrade, a migration or a pipeline would do; reads only (exit code 0 possible, 10 already done, 1 refused)',
    )
    .addOption(
      fileOption(
        'file with the Cluster and the RollingUpgrade, StorageMigration or Pipeline',
      ).makeOptionMandatory(),
    )
    .option('--upgrade <name>', 'which RollingUpgrade, where the files hold several')
    .option('--migration <name>', 'which StorageMigration, where the files hold several')
    .option('--pipeline <name>', 'which Pipeline, where the files hold several')
    .action(
      cli.action(async (run, options: PlanOptions) => {
        const specs = await loadSpecs(options.file);
        const kind = kindOfRun(specs, options);
        if (kind === 'pipeline') {
          const plan = await run.client.planPipeline(checkPipeline(specs, options.pipeline));
          run.data(plan, describePipelinePlan(plan));
          return exitCodeOfPlan(plan);
        }
        const plan =
          kind === 'migration'
            ? await run.client.planMigration(checkMigration(specs, options.migration))
            : await planUpgrade(run, specs, options.upgrade);
        run.data(plan, describePlan(plan));
        return exitCodeOfPlan(plan);
      }),
    );
}

async function planUpgrade(run: Invocation, specs: Specs, name: string | undefined): Promise<Plan> {
  const { cluster, upgrade } = checkTarget(specs, name);
  return run.client.plan(cluster, upgrade);
}
