import type { Command } from 'commander';
import {
  formationStages,
  RollgateError,
  type ClusterSpec,
  type RunState,
} from '../../../../contracts/index.js';
import type { Cli } from '../../cli.js';
import { exitCodes } from '../../exit-codes.js';
import { livingRun } from '../../living-run.js';
import type { NamedFiles } from '../../named-files.js';
import { addFollowOptions, followStarted, tellStarted, type FollowOptions } from '../../started.js';
import { whoAmI } from '../../who-am-i.js';
import { formationCommand, formationOf } from './formation-command.js';

interface RollbackOptions extends NamedFiles, FollowOptions {
  readonly by: string;
  readonly reason?: string;
}

/** Tells the run in progress to go back, or starts one that does nothing else. */
export function rollbackFormationCommand(cli: Cli): Command {
  const command = formationCommand('rollback')
    .description('make a formation whose seed has not taken its place yet an ordinary standalone again')
    .option('--reason <text>', 'why; recorded in the run that is in progress')
    .option('--by <name>', 'who; recorded in the run that is in progress', whoAmI());
  return addFollowOptions(command).action(
    cli.action(
      async (run, options: RollbackOptions) => {
        const { cluster, formation } = await formationOf(options);
        const living = await livingRun(run.client, cluster);
        if (!living) {
          const input = { cluster, formation, stages: formationStages, rollback: true };
          return tellStarted(run, await run.client.startFormation(input), options, options);
        }
        const { handle, state } = living;
        requireFormation(cluster, state);
        const { by, reason, wait } = options;
        const reply = await handle.rollback({ by, reason });
        const said = `rollback accepted; takes effect ${reply.effect}`;
        if (wait === true) {
          run.log(said);
          return followStarted(run, handle, options, options);
        }
        const { workflowId, runId } = handle;
        run.data({ action: 'rollback', cluster: cluster.name, workflowId, runId, ...reply }, said);
        return exitCodes.done;
      },
      { ownsInterrupt: true },
    ),
  );
}

function requireFormation(cluster: ClusterSpec, { run }: RunState): void {
  if (run.kind === 'ClusterFormation') return;
  throw new RollgateError(
    'CONTROL_REFUSED',
    `the run of ${cluster.name} in progress is the ${run.kind} ${run.name}, not a formation`,
    `rollgate status ${cluster.name} shows it; rollgate rollback ${cluster.name} would roll it back.`,
  );
}
