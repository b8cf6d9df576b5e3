import type { Command } from 'commander';
import type { RollgateClient } from '../rollgate-client.js';
import type { CliContext, GlobalOptions } from './context.js';
import { untilInterrupted } from './interrupted.js';
import { paintFor, type Paint } from './paint.js';

/** What a command works with. */
export interface Invocation extends GlobalOptions {
  readonly context: CliContext;
  readonly client: RollgateClient;
  /** For stdout. */
  readonly paint: Paint;
  /** Data: as JSON where JSON was asked for, otherwise the text. */
  data(value: unknown, text: string): void;
  /** One JSON document on a line of its own. */
  jsonLine(value: unknown): void;
  /** For people, on stderr. */
  log(line: string): void;
}

export interface Cli {
  /**
   * Make an action of a command: it runs the body and keeps the exit code that it returns.
   *
   * @param options.ownsInterrupt the body ends by itself when interrupted; otherwise it is left where it is
   */
  action<A extends unknown[]>(
    body: (run: Invocation, ...args: A) => Promise<number>,
    options?: { readonly ownsInterrupt?: boolean },
  ): (...args: A) => Promise<void>;
  exitCode(): number;
  close(): Promise<void>;
}

export function createCli(context: CliContext, program: Command): Cli {
  let exitCode = 0;
  let client: RollgateClient | undefined;

  function invocation(): Invocation {
    const globals = program.opts<GlobalOptions>();
    client = context.createClient({ taskQueue: globals.taskQueue });
    const jsonLine = (value: unknown): void => void context.stdout.write(`${JSON.stringify(value)}\n`);
    return {
      ...globals,
      context,
      client,
      paint: paintFor(context.stdout, context.env),
      data: (value, text) => {
        if (globals.output === 'ndjson') jsonLine(value);
        else
          context.stdout.write(`${globals.output === 'json' ? JSON.stringify(value, undefined, 2) : text}\n`);
      },
      jsonLine,
      log: (line) => void context.stderr.write(`${line}\n`),
    };
  }

  return {
    action:
      (body, options = {}) =>
      async (...args) => {
        const done = body(invocation(), ...args);
        exitCode = await (options.ownsInterrupt === true
          ? done
          : untilInterrupted(done, context.signal, 'Nothing of a run was changed by the interruption.'));
      },
    exitCode: () => exitCode,
    close: async () => {
      await client?.close();
    },
  };
}
