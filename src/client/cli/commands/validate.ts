import { Command, InvalidArgumentError } from 'commander';
import { describeValidation } from '../../../report/describe-validation.js';
import type { Cli } from '../cli.js';
import { exitCodes } from '../exit-codes.js';

export function validateCommand(cli: Cli): Command {
  return new Command('validate')
    .description(
      'compare both copies of a migration in progress at an exact cut (exit code 0 equal, 1 they differ)',
    )
    .argument('<migration>', 'name of the source cluster, or a workflow id')
    .option('--sample <n>', 'how many rows that differ are shown, of each table', rows)
    .action(
      cli.action(async (run, migration: string, { sample }: { sample?: number }) => {
        const found = await run.client.validate(migration, sample);
        run.data(found, describeValidation(found));
        return found.mismatches === 0 ? exitCodes.done : exitCodes.failed;
      }),
    );
}

function rows(text: string): number {
  const n = Number(text);
  if (Number.isInteger(n) && n >= 1 && n <= 1000) return n;
  throw new InvalidArgumentError('needs a number from 1 to 1000');
}
