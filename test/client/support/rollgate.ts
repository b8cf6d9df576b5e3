import { Writable } from 'node:stream';
import { runCli } from '../../../src/client/cli/program.js';
import type { RollgateClient } from '../../../src/client/index.js';
import { fakeClient } from './fake-client.js';

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Run the command line in this process. */
export async function rollgate(
  argv: readonly string[],
  options: {
    readonly client?: Partial<RollgateClient>;
    readonly signal?: AbortSignal;
    readonly env?: Record<string, string>;
    readonly terminal?: boolean;
  } = {},
): Promise<Ended> {
  const stdout = collect(options.terminal === true);
  const stderr = collect(false);
  const code = await runCli(argv, {
    stdout: stdout.sink,
    stderr: stderr.sink,
    env: options.env ?? {},
    signal: options.signal ?? new AbortController().signal,
    createClient: () => fakeClient(options.client ?? {}),
  });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

function collect(terminal: boolean): {
  sink: Writable & { isTTY: boolean; columns: number };
  text: () => string;
} {
  const chunks: string[] = [];
  const writable = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk.toString());
      done();
    },
  });
  return { sink: Object.assign(writable, { isTTY: terminal, columns: 200 }), text: () => chunks.join('') };
}
