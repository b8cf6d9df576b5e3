import { createHosts } from '../../../hosts/registry.js';
import { createSystems } from '../../../systems/registry.js';
import { createSecretResolver } from '../../../worker/secrets.js';
import { sampleContext } from '../../postgres/sample-cluster.js';
import { session } from './session.js';
import type { BenchPair, BenchStage } from './stage.js';

/**
 * How long it takes to find one row that differs in the table with most rows, ms; it is mended afterwards.
 * @throws Error unless exactly that row is found
 */
export async function locateOne({ signal }: BenchStage, pair: BenchPair): Promise<number> {
  const systems = createSystems({ host: createHosts(), secrets: createSecretResolver() });
  const facet = systems(pair.cluster.system).migration;
  if (!facet) throw new Error(`${pair.cluster.system} has no migration`);
  const both = { source: pair.cluster, destination: pair.destination };
  const ctx = { ...sampleContext, signal };
  const add = (by: number) =>
    session(pair.sides.destination, signal, async (client) => {
      await client.query('SET session_replication_role = replica');
      await client.query('UPDATE bench.orders SET amount = amount + $1 WHERE id = 7', [by]);
    });
  await add(1);
  const name = 'bench';
  const cut = await facet.cut(
    both,
    { name, direction: 'forward', maxWritePauseMs: 1000, timeoutMs: 60_000 },
    ctx,
  );
  try {
    const began = performance.now();
    const [found, ...others] = await facet.locate(both, cut, '"bench"."orders"', { limit: 20 }, ctx);
    const ms = performance.now() - began;
    if (found?.kind !== 'differs' || found.key['id'] !== '7' || others.length > 0) {
      throw new Error(`one row was changed, ${others.length + (found ? 1 : 0)} were found`);
    }
    return ms;
  } finally {
    await facet.releaseCut(both, { name }, ctx);
    await add(-1);
  }
}
