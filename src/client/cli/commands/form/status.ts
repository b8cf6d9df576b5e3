import type { Command } from 'commander';
import { known, RollgateError, unknown, type ClusterSpec } from '../../../../contracts/index.js';
import type { RollgateClient } from '../../../rollgate-client.js';
import type { Cli } from '../../cli.js';
import { exitCodeOf, exitCodes } from '../../exit-codes.js';
import { formationFrame } from '../../formation-frame.js';
import { formationStatus, isLearned, type RunLook } from '../../formation-status.js';
import { livingRun } from '../../living-run.js';
import type { NamedFiles } from '../../named-files.js';
import { formationCommand, formationOf } from './formation-command.js';

export function formationStatusCommand(cli: Cli): Command {
  return formationCommand('status')
    .description(
      'show where a formation stands, with or without a run (exit code 0, 1 when mode or members cannot be learned, 5 waiting for approval)',
    )
    .action(
      cli.action(async (run, files: NamedFiles) => {
        const { cluster, formation } = await formationOf(files);
        const view = await run.client.inspectFormation(cluster, formation);
        const look = await lookAtRun(run.client, cluster);
        const status = formationStatus({ cluster, formation, view, look, files });
        run.data(status, formationFrame(status, run.paint));
        if (!isLearned(status)) return exitCodes.failed;
        return status.run ? exitCodeOf(status.run) : exitCodes.done;
      }),
    );
}

/** A run that does not answer hides nothing of what the data says. */
async function lookAtRun(client: RollgateClient, cluster: ClusterSpec): Promise<RunLook> {
  try {
    const living = await livingRun(client, cluster);
    return known(living?.state);
  } catch (error) {
    if (!(error instanceof RollgateError)) throw error;
    return unknown(error.message);
  }
}
