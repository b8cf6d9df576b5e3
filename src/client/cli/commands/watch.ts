import { Command } from 'commander';
import type { Cli } from '../cli.js';
import { timeoutOption } from '../options.js';
import { watchRun } from '../watch-run.js';

interface WatchOptions {
  readonly runId?: string;
  readonly timeout?: number;
  readonly exitOnApproval?: boolean;
}

export function watchCommand(cli: Cli): Command {
  return new Command('watch')
    .description('follow a run to its end: a live table on a terminal, one line an event elsewhere')
    .argument('<cluster>', 'name of the cluster, or a workflow id')
    .option('--run-id <id>', 'a former run instead of the latest')
    .addOption(timeoutOption())
    .option('--exit-on-approval', 'end with exit code 5 as soon as an approval is waited for')
    .action(
      cli.action(
        async (run, cluster: string, options: WatchOptions) =>
          watchRun(run, await run.client.get(cluster, options.runId), {
            events: 'stdout',
            timeoutMs: options.timeout,
            exitOnApproval: options.exitOnApproval,
          }),
        { ownsInterrupt: true },
      ),
    );
}
