import type { ClientBase } from 'pg';
import { z } from 'zod';
import type { Cut } from '../../../../contracts/index.js';
import { dropFacts, hasBookkeeping, readFact, writeFact } from '../bookkeeping.js';

const Held = z.object({
  id: z.string(),
  tables: z.array(z.object({ table: z.string(), pages: z.number(), bytes: z.number() })),
});
const RecordedCut = z.object({
  name: z.string(),
  position: z.object({ offset: z.number(), text: z.string() }),
  snapshots: z.object({ source: Held, destination: Held }),
  writePauseMs: z.number(),
  at: z.string(),
}) satisfies z.ZodType<Cut>;

const factOf = (name: string): string => `cut/${name}`;

/**
 * What is known of a cut besides its two snapshots, kept on the destination: without it two snapshots of a name would
 * not be known to belong together.
 */
export async function readCut(client: ClientBase, name: string): Promise<Cut | undefined> {
  const value = await readFact(client, factOf(name));
  return value === undefined ? undefined : RecordedCut.parse(value);
}

export const recordCut = (client: ClientBase, cut: Cut): Promise<void> =>
  writeFact(client, factOf(cut.name), cut);

export async function forgetCut(client: ClientBase, name: string): Promise<void> {
  if (await hasBookkeeping(client)) await dropFacts(client, [factOf(name)]);
}
