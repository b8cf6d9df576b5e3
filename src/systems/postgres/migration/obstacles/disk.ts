import type {
  EffectContext,
  Host,
  NodeSpec,
  Obstacle,
  Pair,
  TableSize,
} from '../../../../contracts/index.js';
import { RollgateError } from '../../../../contracts/index.js';

/**
 * Whether the disks of the destination have room at least for the rows. A server does not tell what is free, its host
 * may; how much indexes and the log of changes take besides is not foretold. Where the host does not tell, a full disk
 * is found while copying, and the copy goes on once there is space.
 */
export async function smallDisks(
  host: (node: NodeSpec) => Host,
  { destination }: Pair,
  tables: readonly TableSize[],
  ctx: EffectContext,
): Promise<Obstacle[]> {
  const needed = tables.reduce((sum, table) => sum + table.bytes, 0);
  const found = await Promise.all(
    destination.nodes.map(async (node): Promise<Obstacle[]> => {
      const facts = await factsOf(host, node, ctx);
      if (facts === undefined || facts.freeBytes >= needed) return [];
      return [
        {
          code: 'PG_DISK_SMALL',
          node: node.id,
          message: `the disk of ${node.id} (${facts.path}) has ${mebibytes(facts.freeBytes)} free, the tables of the source have ${mebibytes(needed)} without indexes`,
          remedy: `Give ${node.id} a larger disk, or make space: rows, indexes and the log of changes of the copy need more than the data of the source.`,
        },
      ];
    }),
  );
  return found.flat();
}

const mebibytes = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;

async function factsOf(
  host: (node: NodeSpec) => Host,
  node: NodeSpec,
  ctx: EffectContext,
): Promise<Awaited<ReturnType<Host['dataFacts']>>> {
  try {
    return await host(node).dataFacts(node, ctx);
  } catch (error) {
    // This worker does not run where the node does.
    if (error instanceof RollgateError && error.code === 'HOST_UNKNOWN') return undefined;
    throw error;
  }
}
