import { Command } from 'commander';
import { messageOf, RollgateError } from '../../../contracts/index.js';
import { digestDirectory } from '../../../hosts/artifact-digest.js';
import type { Cli } from '../cli.js';
import { exitCodes } from '../exit-codes.js';

export function digestCommand(cli: Cli): Command {
  return new Command('digest')
    .description('print the digest of an artifact directory, as a cluster file names it')
    .argument('<directory>')
    .action(
      cli.action(async (run, directory: string) => {
        const sha256 = await digest(directory);
        run.data({ path: directory, sha256 }, sha256);
        return exitCodes.done;
      }),
    );
}

async function digest(directory: string): Promise<string> {
  try {
    return await digestDirectory(directory);
  } catch (error) {
    throw new RollgateError(
      'USAGE',
      `${directory} cannot be digested: ${messageOf(error)}`,
      'Name a directory that this user may read and that holds files, directories and links only.',
      { cause: error },
    );
  }
}
