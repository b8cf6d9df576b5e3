import type { Command } from 'commander';
import { formationStages, type FormationStage } from '../../../../contracts/index.js';
import type { Cli } from '../../cli.js';
import type { NamedFiles } from '../../named-files.js';
import { addFollowOptions, planHashOption, tellStarted, type FollowOptions } from '../../started.js';
import { formationCommand, formationOf } from './formation-command.js';

interface RunOptions extends NamedFiles, FollowOptions {
  readonly planHash?: string;
}

const descriptions: Readonly<Record<FormationStage, string>> = {
  init: 'start a run that makes a verified seed of the standalone and puts it in its place',
  serve: 'start a run that starts the seed, which then serves as a cluster of one',
  expand: 'start a run that adds the nodes of `expand`, one after the other',
  'transfer-leader': 'start a run that lets the node of `leader` lead',
  'remove-member': 'start a run that takes the nodes of `remove` out',
};

/** One command for each stage, and one that takes them all. Each goes on from where the data stands. */
export const runFormationCommands = (cli: Cli): Command[] => [
  ...formationStages.map((stage) => runCommand(cli, stage, descriptions[stage], [stage])),
  runCommand(cli, 'run', 'start a run of all stages, from where the data stands to the end', formationStages),
];

function runCommand(cli: Cli, name: string, description: string, stages: readonly FormationStage[]): Command {
  const command = formationCommand(name).description(description).addOption(planHashOption());
  return addFollowOptions(command).action(
    cli.action(
      async (run, options: RunOptions) => {
        const { cluster, formation } = await formationOf(options);
        const expectPlan = options.planHash;
        const handle = await run.client.startFormation({ cluster, formation, stages, expectPlan });
        return tellStarted(run, handle, options, options);
      },
      { ownsInterrupt: true },
    ),
  );
}
