import { Command } from 'commander';
import type { Cli } from '../cli.js';
import { exitCodes } from '../exit-codes.js';

export function workerCommand(cli: Cli): Command {
  return new Command('worker')
    .description('serve runs until told to stop; several may run at once')
    .option('--artifacts <directory>', 'where runs leave their summaries', 'artifacts')
    .action(
      cli.action(
        async (run, options: { readonly artifacts: string }) => {
          // Loaded here alone: the other commands need neither the SDK's native part nor the adapters.
          const { runWorker } = await import('../../../worker/index.js');
          await runWorker({
            taskQueue: run.taskQueue,
            artifacts: options.artifacts,
            signal: run.context.signal,
          });
          return exitCodes.done;
        },
        { ownsInterrupt: true },
      ),
    );
}
