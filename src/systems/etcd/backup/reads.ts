import { z } from 'zod';
import type { ClusterSpec, EffectContext, NodeId } from '../../../contracts/index.js';
import type { EtcdClient } from '../client.js';
import { encode } from '../client.js';
import { readHash, type KvHash } from './kv-hash.js';
import type { PrivateMember } from './private-member.js';

const Range = z.looseObject({ count: z.coerce.number().int().default(0) });

/** From the first key to the last, https://etcd.io/docs/v3.6/learning/api/#range */
const everyKey = { key: encode('\0'), range_end: encode('\0') };
/** All keys may have to be counted. */
const readMs = 60_000;

/** How many keys there are at a revision; 0: now. A linearizable read, so it needs a quorum. */
export async function countKeys(
  client: EtcdClient,
  cluster: ClusterSpec,
  node: NodeId,
  revision: number,
  ctx: EffectContext,
): Promise<number> {
  const body = { ...everyKey, count_only: true, revision: String(revision) };
  const options = { signal: ctx.signal, timeoutMs: readMs };
  return (await client.post(cluster, node, '/v3/kv/range', body, Range, options)).count;
}

/** Returns when this member has applied every write that was acknowledged before the call. */
export async function catchUp(
  client: EtcdClient,
  cluster: ClusterSpec,
  node: NodeId,
  ctx: EffectContext,
): Promise<void> {
  const body = { key: encode('\0'), count_only: true };
  await client.post(cluster, node, '/v3/kv/range', body, Range, { signal: ctx.signal, timeoutMs: readMs });
}

/** Compact a copy of ours as far as the original is, so that the two can be compared. */
export async function compactCopy(
  client: EtcdClient,
  { cluster, node }: PrivateMember,
  revision: number,
  ctx: EffectContext,
): Promise<void> {
  const body = { revision: String(revision), physical: true };
  const options = { signal: ctx.signal, timeoutMs: readMs };
  await client.post(cluster, node, '/v3/kv/compaction', body, z.unknown(), options);
}

/**
 * The hash of a member at a revision, after a compaction at `compactRevision` or a later one. A member that gives an
 * older hash, which it noted when it was compacted, see {@link readHash}, is asked for its current one instead.
 */
export async function hashAt(
  client: EtcdClient,
  cluster: ClusterSpec,
  node: NodeId,
  at: { revision: number; compactRevision: number },
  ctx: EffectContext,
): Promise<KvHash> {
  const options = { signal: ctx.signal };
  const said = await readHash(client, cluster, node, at.revision, options);
  if (said.compactRevision >= at.compactRevision) return said;
  const now = await readHash(client, cluster, node, 0, options);
  return now.revision === at.revision ? now : said;
}
