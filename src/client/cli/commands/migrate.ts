import { Command } from 'commander';
import { checkMigration, loadSpecs } from '../../../spec/index.js';
import type { Cli } from '../cli.js';
import { exitCodes } from '../exit-codes.js';
import { fileOption } from '../options.js';

export function migrateCommand(cli: Cli): Command {
  const discard = new Command('discard')
    .description('remove what a migration has left that no run goes on with, from both sides')
    .addOption(fileOption('file with the two Clusters and the StorageMigration').makeOptionMandatory())
    .option('--migration <name>', 'which StorageMigration, where the files hold several')
    .action(
      cli.action(async (run, options: { file: readonly string[]; migration?: string }) => {
        const input = checkMigration(await loadSpecs(options.file), options.migration);
        await run.client.discardMigration(input);
        const { cluster, destination } = input;
        run.data(
          { cluster: cluster.name, destination: destination.name, discarded: true },
          `nothing of a migration is left on ${cluster.name} and ${destination.name}`,
        );
        return exitCodes.done;
      }),
    );
  return new Command('migrate')
    .description('what concerns storage migrations alone; plan and start run them')
    .addCommand(discard);
}
