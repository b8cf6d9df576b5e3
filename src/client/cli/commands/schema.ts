import { Argument, Command } from 'commander';
import { kinds, type Kind } from '../../../contracts/index.js';
import { jsonSchema } from '../../../spec/index.js';
import type { Cli } from '../cli.js';
import { exitCodes } from '../exit-codes.js';

export function schemaCommand(cli: Cli): Command {
  return new Command('schema')
    .description('print the JSON Schema of the documents, for editors')
    .addArgument(new Argument('[kind]', 'one kind instead of all').choices(Object.keys(kinds)))
    .action(
      cli.action((run, kind: Kind | undefined) => {
        const schema = jsonSchema(kind);
        run.data(schema, JSON.stringify(schema, undefined, 2));
        return Promise.resolve(exitCodes.done);
      }),
    );
}
