import { z } from 'zod';
import { seriesOf } from '../../status.js';
import { readDatabase } from './pages.js';

export interface StoredMembership {
  /** Of every member that the data knows, itself included. */
  readonly members: readonly {
    readonly id: string;
    readonly name: string;
    readonly peerUrls: readonly string[];
  }[];
  /** The cluster version, as a series; `undefined`: none was decided. */
  readonly series: string | undefined;
}

const StoredMember = z.looseObject({
  id: z.number(),
  name: z.string().default(''),
  peerURLs: z.array(z.string()).default([]),
});

/**
 * What a stopped member's `snap/db` says of its cluster, from the buckets `members` and `cluster`:
 * https://etcd.io/docs/v3.6/learning/persistent-storage-files/. None of etcd's programs reads it without starting a
 * member, and a copy of a member of a cluster must not be started: it would speak for the original.
 */
export const readStoredMembership = (path: string): Promise<StoredMembership> =>
  readDatabase(path, async (database) => {
    const stored = await database.bucket('members');
    if (stored === undefined) throw new Error('it has no bucket of members: no member has run on it');
    const cluster = await database.bucket('cluster');
    return {
      members: [...stored].map(([id, value]) => {
        const member = StoredMember.parse(JSON.parse(value.toString('utf8')));
        // The key, because the id in the value has more digits than a number holds.
        return { id, name: member.name, peerUrls: member.peerURLs };
      }),
      series: seriesOf(cluster?.get('clusterVersion')?.toString('utf8') ?? ''),
    };
  });
