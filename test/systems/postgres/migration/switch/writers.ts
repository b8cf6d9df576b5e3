import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import type { Side } from '../../../../../src/contracts/index.js';
import type { TwoSides } from './two-sides.js';

export interface Write {
  readonly writer: number;
  readonly seq: number;
  readonly id: string;
  readonly ticket: string;
  readonly side: Side;
  readonly at: number;
}

export interface Writers {
  /** Everything that was acknowledged, with the values of sequences that came with it. */
  readonly acknowledged: readonly Write[];
  /** Codes of errors by which the server itself refused a write, as often as they came. */
  readonly refused: readonly string[];
  stop(): Promise<void>;
}

const order: readonly Side[] = ['source', 'destination'];

/** Clients as an application has them: each goes to whichever side lets it in, and writes down what was confirmed. */
export function startWriters(two: TwoSides, count: number): Writers {
  const acknowledged: Write[] = [];
  const refused: string[] = [];
  let ended = false;
  const run = async (writer: number): Promise<void> => {
    let session: { client: Client; side: Side } | undefined;
    for (let seq = 0; !ended; seq++) {
      try {
        session ??= await anySide(two);
        const { client, side } = session;
        const { rows } = await client.query<{ id: string; ticket: string }>(
          "INSERT INTO orders (writer, seq, ticket) VALUES ($1, $2, nextval('tickets')) RETURNING id::text, ticket::text",
          [writer, seq],
        );
        const [row] = rows;
        if (row) acknowledged.push({ writer, seq, ...row, side, at: Date.now() });
      } catch (error) {
        const { code } = error as { code?: string };
        if (session && code !== undefined) refused.push(code);
        // What becomes of such a write is not known; the next one has another number.
        await session?.client.end();
        session = undefined;
        await delay(2);
      }
      await delay(1);
    }
    await session?.client.end();
  };
  const running = Array.from({ length: count }, (_, writer) => run(writer));
  return {
    acknowledged,
    refused,
    async stop() {
      ended = true;
      await Promise.all(running);
    },
  };
}

async function anySide(two: TwoSides): Promise<{ client: Client; side: Side }> {
  const failures: unknown[] = [];
  for (const side of order) {
    try {
      return { client: await two.login(side, 'app'), side };
    } catch (error) {
      failures.push(error);
    }
  }
  throw new AggregateError(failures, 'no side lets a writer in');
}
