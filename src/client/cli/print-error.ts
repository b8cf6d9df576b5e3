import { CommanderError } from 'commander';
import { RollgateError } from '../../contracts/index.js';
import { describeProblem, SpecError, type SpecProblem } from '../../spec/index.js';
import type { CliContext, OutputFormat } from './context.js';
import { exitCodes } from './exit-codes.js';
import { Interrupted } from './interrupted.js';
import { paintFor } from './paint.js';

/** Tell an error on stderr, for `json` and `ndjson` on stdout too, and return the exit code it means. */
export function printError(context: CliContext, error: unknown, output: OutputFormat): number {
  // Help and version end by an "error" too.
  if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.done;
  const told = inWords(error);
  const paint = paintFor(context.stderr, context.env);
  const lines = [
    told.code === undefined ? told.message : `${paint('red', `error ${told.code}:`)} ${told.message}`,
    ...(told.problems ?? []).flatMap((p) => [describeProblem(p), `  remedy: ${p.remedy}`]),
    ...(told.remedy === undefined ? [] : [`  remedy: ${told.remedy}`]),
  ];
  context.stderr.write(`${lines.join('\n')}\n`);
  if (output !== 'text') {
    const { code = 'INTERRUPTED', message, remedy, problems, exitCode } = told;
    const value = { error: { code, message, remedy, problems }, exitCode };
    context.stdout.write(`${JSON.stringify(value, undefined, output === 'json' ? 2 : undefined)}\n`);
  }
  return told.exitCode;
}

interface Told {
  /** None for an interruption, which is no error. */
  readonly code?: string;
  readonly message: string;
  readonly remedy?: string;
  readonly problems?: readonly SpecProblem[];
  readonly exitCode: number;
}

function inWords(error: unknown): Told {
  if (error instanceof Interrupted) {
    return { message: error.message, remedy: error.remedy, exitCode: exitCodes.interrupted };
  }
  if (error instanceof CommanderError && error.code === 'commander.help') {
    return {
      code: 'USAGE',
      message: 'a command is missing',
      remedy: 'Name one of those above.',
      exitCode: exitCodes.usage,
    };
  }
  if (error instanceof CommanderError) {
    return {
      code: 'USAGE',
      message: error.message.replace(/^error: /, ''),
      remedy: 'rollgate --help, or rollgate <command> --help, says what there is.',
      exitCode: exitCodes.usage,
    };
  }
  if (error instanceof SpecError) {
    const { code, problems, exitCode } = error;
    const message =
      problems.length === 1 ? 'one problem in the spec' : `${problems.length} problems in the spec`;
    return { code, message, problems, exitCode };
  }
  if (error instanceof RollgateError) {
    const { code, message, remedy, exitCode } = error;
    return { code, message, remedy, exitCode };
  }
  // A defect of ours: the stack is what its report needs.
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    code: 'INTERNAL',
    message,
    remedy: 'This is a defect of rollgate; please report it with this text.',
    exitCode: exitCodes.failed,
  };
}
