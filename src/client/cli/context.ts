import type { RollgateClient } from '../rollgate-client.js';

/** A terminal or a pipe. */
export type Sink = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

/** What the commands know of the world outside; tests put their own in. */
export interface CliContext {
  /** Data. */
  readonly stdout: Sink;
  /** Log and errors. */
  readonly stderr: Sink;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted when the user interrupts. */
  readonly signal: AbortSignal;
  createClient(options: { readonly taskQueue: string }): RollgateClient;
}

export const outputFormats = ['text', 'json', 'ndjson'] as const;
export type OutputFormat = (typeof outputFormats)[number];

export interface GlobalOptions {
  readonly output: OutputFormat;
  readonly taskQueue: string;
}
