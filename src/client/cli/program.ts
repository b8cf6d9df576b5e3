import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { controlActions, defaultTaskQueue } from '../../contracts/index.js';
import { createCli, type Cli } from './cli.js';
import { controlCommand } from './commands/control.js';
import { digestCommand } from './commands/digest.js';
import { doctorCommand } from './commands/doctor.js';
import { formCommand } from './commands/form.js';
import { migrateCommand } from './commands/migrate.js';
import { listCommand } from './commands/list.js';
import { planCommand } from './commands/plan.js';
import { reportCommand } from './commands/report.js';
import { schemaCommand } from './commands/schema.js';
import { startCommand } from './commands/start.js';
import { statusCommand } from './commands/status.js';
import { validateCommand } from './commands/validate.js';
import { watchCommand } from './commands/watch.js';
import { workerCommand } from './commands/worker.js';
import { outputFormats, type CliContext, type OutputFormat } from './context.js';
import { exitCodes } from './exit-codes.js';
import { printError } from './print-error.js';

/**
 * The command line on top of the client.
 *
 * @param argv without the program's own name
 * @returns the exit code
 */
export async function runCli(argv: readonly string[], context: CliContext): Promise<number> {
  const { program, cli } = buildProgram(context);
  try {
    if (argv.length === 0) {
      context.stderr.write(program.helpInformation());
      return exitCodes.usage;
    }
    await program.parseAsync([...argv], { from: 'user' });
    return cli.exitCode();
  } catch (error) {
    return printError(context, error, outputOf(argv));
  } finally {
    await cli.close();
  }
}

function buildProgram(context: CliContext): { program: Command; cli: Cli } {
  const program = new Command('rollgate');
  const cli = createCli(context, program);
  program
    .description(
      'Rolling upgrades, storage migrations and cluster formation of replicated data systems as durable Temporal workflows.',
    )
    .version(version())
    .addOption(
      new Option('-o, --output <format>', 'form of the data on stdout')
        .choices(outputFormats)
        .default('text'),
    )
    .addOption(
      new Option('--task-queue <name>', 'task queue of the workers')
        .env('ROLLGATE_TASK_QUEUE')
        .default(defaultTaskQueue),
    )
    .addHelpText('after', exitCodeHelp);
  const commands = [
    planCommand(cli),
    startCommand(cli),
    watchCommand(cli),
    statusCommand(cli),
    listCommand(cli),
    formCommand(cli),
    validateCommand(cli),
    migrateCommand(cli),
    ...controlActions.map((action) => controlCommand(cli, action)),
    reportCommand(cli),
    schemaCommand(cli),
    doctorCommand(cli),
    workerCommand(cli),
    digestCommand(cli),
  ];
  for (const command of commands) program.addCommand(command);
  for (const command of [program, ...commands, ...commands.flatMap((c) => c.commands)]) {
    command
      .exitOverride()
      .configureHelp({ showGlobalOptions: true })
      .configureOutput({
        writeOut: (text) => void context.stdout.write(text),
        writeErr: (text) => void context.stderr.write(text),
        // Told by printError, in the same words and on the same stream as every other error.
        outputError: () => undefined,
      });
  }
  return { program, cli };
}

/** The format asked for, also where the arguments could not be parsed. */
function outputOf(argv: readonly string[]): OutputFormat {
  const found = argv.map(
    (arg, i) =>
      /^(?:-o|--output)(?:=?(.+))?$/.exec(arg)?.[1] ??
      (/^(?:-o|--output)$/.test(arg) ? argv[i + 1] : undefined),
  );
  return outputFormats.find((format) => found.includes(format)) ?? 'text';
}

/** The package file is beside `src` and beside `dist` alike. */
function version(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  const found: unknown = JSON.parse(text);
  return typeof found === 'object' && found !== null && 'version' in found
    ? String(found.version)
    : 'unknown';
}

const exitCodeHelp = `
Exit codes: 0 done, 1 failed, 2 usage or invalid spec, 3 rolled back cleanly, 4 compensation incomplete,
5 waiting for approval, 6 not found or already running, 10 plan: already done, 124 wait timed out, 130 interrupted.
Temporal is found by the standard environment: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_*.`;
