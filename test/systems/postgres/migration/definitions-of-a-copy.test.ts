import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCompareDefinitions } from '../../../../src/systems/postgres/migration/definitions.js';
import { createCopyingPair, type CopyingPair } from './copying-pair.js';
import { richSchema } from './rich-schema.js';

let copying: CopyingPair;
beforeAll(async () => {
  copying = await createCopyingPair();
  await copying.withClient('source', (client) => client.query(richSchema));
  // A preflight refuses it.
  await copying.sql('source', 'DROP PUBLICATION mine');
});
afterAll(() => copying.sample.destroy());

describe('R-MIG-4: what pg_dump has carried from 17 to 18 has the same definitions', () => {
  it('between rows and keys the missing is told, and nothing is at the end', async () => {
    const { pair, ctx, steps, sessions } = copying;
    const compare = createCompareDefinitions(sessions);
    await steps.prepare(pair, ctx);
    const cut = await steps.exportAt(pair, ctx);
    await steps.createSchema(pair, ctx);
    await copying.copyAll(cut);
    const half = await compare(pair, ctx);
    expect(half).toContain('table public.orders, constraint orders_pkey: only on source');
    expect(half).toContain('table public.orders, index orders_note: only on source');
    expect(half.filter((line) => line.includes('column'))).toEqual([]);
    await steps.finishSchema(pair, ctx);
    expect(await compare(pair, ctx)).toEqual([]);
  });
});
