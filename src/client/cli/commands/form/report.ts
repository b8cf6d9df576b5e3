import { Command } from 'commander';
import { RollgateError } from '../../../../contracts/index.js';
import type { Cli } from '../../cli.js';
import { fileOption } from '../../options.js';
import { addReportOptions, writeReport, type ReportOptions } from '../report.js';
import { formationOf } from './formation-command.js';

interface FormationReportOptions extends ReportOptions {
  readonly file?: readonly string[];
  readonly formation?: string;
}

/** As `rollgate report`; the cluster may also be that of the files. */
export function formationReportCommand(cli: Cli): Command {
  const command = new Command('report')
    .description('write summary.json, summary.txt and report.html of a run, also of one in progress')
    .argument('[cluster]', 'name of the cluster, or a workflow id; or name the files')
    .addOption(fileOption('file with the Cluster and the ClusterFormation'))
    .option('--formation <name>', 'which ClusterFormation, where the files hold several');
  return addReportOptions(command).action(
    cli.action(async (run, cluster: string | undefined, options: FormationReportOptions) =>
      writeReport(run, cluster ?? (await clusterOf(options)), options),
    ),
  );
}

async function clusterOf({ file, formation }: FormationReportOptions): Promise<string> {
  if (file) return (await formationOf({ file, formation })).cluster.name;
  throw new RollgateError(
    'USAGE',
    'form report needs a cluster',
    'Name the cluster, or with -f the files that hold it.',
  );
}
