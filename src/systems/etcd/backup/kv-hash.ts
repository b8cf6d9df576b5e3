import { z } from 'zod';
import type { ClusterSpec, NodeId } from '../../../contracts/index.js';
import type { EtcdClient, RequestOptions } from '../client.js';

/**
 * A hash over all revisions of all keys up to `revision` that a compaction at `compactRevision` leaves. It can be
 * compared with another of the same two revisions, and with no other.
 */
export interface KvHash {
  readonly hash: number;
  readonly revision: number;
  /** -1: never compacted. */
  readonly compactRevision: number;
}

const Revision = z.coerce.number().int();
const HashKv = z.looseObject({
  header: z.looseObject({ revision: Revision }),
  hash: z.number().default(0),
  compact_revision: Revision.default(0),
  /** From 3.6 on. */
  hash_revision: Revision.optional(),
});

/** The whole data is read for it. */
const hashMs = 60_000;

/**
 * https://etcd.io/docs/v3.6/dev-guide/api_reference_v3/#message-hashkvrequest-apietcdserverpbrpcproto
 *
 * With a revision, a member answers from what it noted at its last compactions when one of them was at that revision,
 * with the compaction before it (`HashByRev` in https://github.com/etcd-io/etcd/blob/main/server/storage/mvcc/hash.go).
 * What it noted is gone when it restarts, so in a cluster that is compacted at its last revision and idle, a
 * restarted member never agrees with the others on the compact revision. Without one, all compute.
 * @param revision 0: the current one
 * @throws EtcdError also when the revision is compacted, or later than what the member has
 */
export async function readHash(
  client: EtcdClient,
  cluster: ClusterSpec,
  node: NodeId,
  revision: number,
  options: RequestOptions = {},
): Promise<KvHash> {
  const body = revision === 0 ? {} : { revision: String(revision) };
  const said = await client.post(cluster, node, '/v3/maintenance/hashkv', body, HashKv, {
    timeoutMs: hashMs,
    ...options,
  });
  const asked = revision === 0 ? said.header.revision : revision;
  return {
    hash: said.hash,
    revision: said.hash_revision ?? asked,
    compactRevision: said.compact_revision,
  };
}

export const hashText = ({ hash, revision, compactRevision }: KvHash): string =>
  `hash ${hash} at revision ${revision}, ${compactRevision < 0 ? 'never compacted' : `compacted at ${compactRevision}`}`;

/** The inverse of {@link hashText}; `undefined`: it is no such text. */
export function parseHash(text: string): KvHash | undefined {
  const match = /^hash (\d+) at revision (\d+), (?:never compacted|compacted at (\d+))$/.exec(text);
  if (!match) return undefined;
  return {
    hash: Number(match[1]),
    revision: Number(match[2]),
    compactRevision: match[3] === undefined ? -1 : Number(match[3]),
  };
}

/** `undefined`: of different revisions, so that nothing can be said. */
export function sameHash(a: KvHash, b: KvHash): boolean | undefined {
  if (a.revision !== b.revision || a.compactRevision !== b.compactRevision) return undefined;
  return a.hash === b.hash;
}

const Header = z.looseObject({ header: z.looseObject({ revision: Revision }) });

/** The revision that this member has applied. */
export async function readRevision(
  client: EtcdClient,
  cluster: ClusterSpec,
  node: NodeId,
  options?: RequestOptions,
): Promise<number> {
  const said = await client.post(cluster, node, '/v3/maintenance/status', {}, Header, options);
  return said.header.revision;
}
