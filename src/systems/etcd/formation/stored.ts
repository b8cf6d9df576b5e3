import { join } from 'node:path';
import { messageOf, RollgateError, type NodeId } from '../../../contracts/index.js';
import { readStoredMembership, type StoredMembership } from './database/membership.js';
import { readOwnId } from './database/own-id.js';

export interface Stored extends StoredMembership {
  /** Whether it is the only member of its own list. */
  readonly alone: boolean;
}

/** Of a data directory: https://etcd.io/docs/v3.6/learning/persistent-storage-files/ */
export const databaseOf = (dataDir: string): string => join(dataDir, 'member', 'snap', 'db');

/** What the data of a stopped etcd says of itself. @throws Error when it cannot be read */
export async function readStored(dataDir: string): Promise<Stored> {
  const stored = await readStoredMembership(databaseOf(dataDir));
  const own = await readOwnId(join(dataDir, 'member', 'wal'));
  const [first, ...others] = stored.members;
  return { ...stored, alone: others.length === 0 && first?.id === own };
}

/**
 * A copy of a member of a cluster must not be started: it would answer the others in the name of the original.
 * @throws SYSTEM_REFUSED
 */
export async function requireAlone(seed: NodeId, dataDir: string): Promise<Stored> {
  let stored: Stored;
  try {
    stored = await readStored(dataDir);
  } catch (error) {
    throw new RollgateError(
      'SYSTEM_REFUSED',
      `the data of ${seed} in ${dataDir} cannot be read: ${messageOf(error)}`,
      'See that host.dataDir of the node is the data directory of an etcd, and that it is not damaged.',
      { cause: error },
    );
  }
  if (stored.alone) return stored;
  const names = stored.members.map((m) => `${m.name || m.id} (${m.peerUrls.join(', ')})`).join('; ');
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `the data of ${seed} is not that of a standalone: its members are ${names || 'none'}`,
    'Only a member that is alone in its own list can become the seed of a new cluster; remove the others first (etcdctl member remove).',
  );
}
