import type { Command } from 'commander';
import type { FormationStage } from '../../../../contracts/index.js';
import { describePlan } from '../../../../planning/describe.js';
import type { Cli } from '../../cli.js';
import { exitCodeOfPlan } from '../../exit-codes.js';
import type { NamedFiles } from '../../named-files.js';
import { stageOption } from '../../options.js';
import { formationCommand, formationOf } from './formation-command.js';

interface PlanOptions extends NamedFiles {
  readonly stage: readonly FormationStage[];
}

export function planFormationCommand(cli: Cli): Command {
  return formationCommand('plan')
    .description(
      'say what a formation would do; reads only (exit code 0 possible, 10 already done, 1 refused)',
    )
    .addOption(stageOption())
    .action(
      cli.action(async (run, options: PlanOptions) => {
        const { cluster, formation } = await formationOf(options);
        const plan = await run.client.planFormation(cluster, formation, options.stage);
        run.data(plan, describePlan(plan, 'ClusterFormation'));
        return exitCodeOfPlan(plan);
      }),
    );
}
