import { RollgateError, type EffectContext } from '../../../contracts/index.js';
import type { Places } from './places.js';

/** etcd lays out two files of its log, of 64 MB each, when it starts on a copy. */
const logBytes = 128 * 1024 * 1024;

/** What is needed beside a copy of the standalone's data. */
export const bytesForCopy = (dataBytes: number): number => dataBytes + logBytes;

/** @returns where the standalone's data is. @throws SYSTEM_REFUSED when there is none, or no room for a copy */
export async function requireRoom(places: Places, ctx: EffectContext): Promise<string> {
  const { host, node } = places;
  const facts = await host.dataFacts(node, ctx);
  if (facts === undefined || facts.empty) {
    throw new RollgateError(
      'SYSTEM_REFUSED',
      `${node.id} has no data${facts === undefined ? '' : ` in ${facts.path}`}`,
      'Set host.dataDir of the node to the data directory of the standalone.',
    );
  }
  if (facts.freeBytes >= bytesForCopy(facts.bytes)) return facts.path;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `${facts.freeBytes} bytes are free beside ${facts.path}; a copy of it needs ${bytesForCopy(facts.bytes)}`,
    'Make room on that disk, then retry.',
  );
}
