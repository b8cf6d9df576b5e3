import { Command } from 'commander';
import { writeArtifacts } from '../../../report/write-artifacts.js';
import type { Cli } from '../cli.js';
import { exitCodes } from '../exit-codes.js';

interface ReportOptions {
  readonly runId?: string;
  readonly out: string;
}

export function reportCommand(cli: Cli): Command {
  return new Command('report')
    .description('write summary.json, summary.txt and report.html of a run, also of one in progress')
    .argument('<cluster>', 'name of the cluster, or a workflow id')
    .option('--run-id <id>', 'a former run instead of the latest')
    .option('--out <directory>', 'they are written into a folder of the run below it', 'artifacts')
    .action(
      cli.action(async (run, cluster: string, options: ReportOptions) => {
        const handle = await run.client.get(cluster, options.runId);
        const written = await writeArtifacts(await handle.status(), options.out);
        run.data(written, written.files.join('\n'));
        return exitCodes.done;
      }),
    );
}
