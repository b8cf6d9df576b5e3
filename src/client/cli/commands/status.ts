import { Command } from 'commander';
import type { Cli } from '../cli.js';
import { exitCodeOf } from '../exit-codes.js';
import { runFrame } from '../run-frame.js';

export function statusCommand(cli: Cli): Command {
  return new Command('status')
    .description(
      'show how a run stands (exit code 0 running or completed, 5 waiting for approval, else its outcome)',
    )
    .argument('<cluster>', 'name of the cluster, or a workflow id')
    .option('--run-id <id>', 'a former run instead of the latest')
    .action(
      cli.action(async (run, cluster: string, options: { readonly runId?: string }) => {
        const handle = await run.client.get(cluster, options.runId);
        const state = await handle.status();
        run.data(state, runFrame(state, run.paint));
        return exitCodeOf(state);
      }),
    );
}
