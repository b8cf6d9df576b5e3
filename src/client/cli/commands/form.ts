import { Command } from 'commander';
import type { Cli } from '../cli.js';
import { planFormationCommand } from './form/plan.js';
import { formationReportCommand } from './form/report.js';
import { rollbackFormationCommand } from './form/rollback.js';
import { runFormationCommands } from './form/run.js';
import { formationStatusCommand } from './form/status.js';

/** From a standalone to a cluster, in one run or stage by stage. */
export function formCommand(cli: Cli): Command {
  const form = new Command('form').description('make a cluster of a standalone, and change its members');
  const commands = [
    planFormationCommand(cli),
    ...runFormationCommands(cli),
    formationStatusCommand(cli),
    formationReportCommand(cli),
    rollbackFormationCommand(cli),
  ];
  for (const command of commands) form.addCommand(command);
  return form;
}
