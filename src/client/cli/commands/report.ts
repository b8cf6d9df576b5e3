import { Command } from 'commander';
import { writeArtifacts } from '../../../report/write-artifacts.js';
import type { Cli, Invocation } from '../cli.js';
import { exitCodes } from '../exit-codes.js';

export interface ReportOptions {
  readonly runId?: string;
  readonly out: string;
}

export function reportCommand(cli: Cli): Command {
  return addReportOptions(
    new Command('report')
      .description('write summary.json, summary.txt and report.html of a run, also of one in progress')
      .argument('<cluster>', 'name of the cluster, or a workflow id'),
  ).action(cli.action((run, cluster: string, options: ReportOptions) => writeReport(run, cluster, options)));
}

export const addReportOptions = (command: Command): Command =>
  command
    .option('--run-id <id>', 'a former run instead of the latest')
    .option('--out <directory>', 'they are written into a folder of the run below it', 'artifacts');

/** Write the artifacts of a run and print their paths; returns the exit code. */
export async function writeReport(
  run: Invocation,
  cluster: string,
  { runId, out }: ReportOptions,
): Promise<number> {
  const handle = await run.client.get(cluster, runId);
  const written = await writeArtifacts(await handle.status(), out);
  run.data(written, written.files.join('\n'));
  return exitCodes.done;
}
