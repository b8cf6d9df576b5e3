import {
  RollgateError,
  type ClusterSpec,
  type EffectContext,
  type Host,
  type NodeId,
  type NodeSpec,
} from '../../../contracts/index.js';
import { EtcdError, grpcCode, type EtcdClient } from '../client.js';
import { dbStatus, restoreSnapshot, toolTimeoutMs, type Etcdutl } from './etcdutl.js';
import { hashText, readHash, sameHash, type KvHash } from './kv-hash.js';
import { stopPrivateMember, withPrivateMember, type PrivateMember } from './private-member.js';
import { compactCopy, countKeys, hashAt } from './reads.js';
import { placeFile, scratchDirectory } from './scratch-file.js';
import type { SnapshotFile } from './snapshot-file.js';

/** Where a snapshot was taken. */
export interface Source {
  readonly cluster: ClusterSpec;
  readonly node: NodeId;
  readonly spec: NodeSpec;
  readonly version: string;
}

export type Restore =
  | { readonly kind: 'same'; readonly content: string; readonly hash: KvHash }
  | { readonly kind: 'different'; readonly seen: string }
  /** The original has been compacted since, so that nothing can be compared; a new snapshot can. */
  | { readonly kind: 'inconclusive'; readonly seen: string };

/** The peer address in a restored copy that nobody else ever sees. */
const nobody = { name: 'restored', peerUrl: 'http://127.0.0.1:2380', token: 'rollgate-restored' };

/**
 * Restore a snapshot on the host of the node that it came from, start a member on it where nobody reaches it, and
 * compare its data with what the original has at the same revision. Nothing of it is left.
 * @throws SYSTEM_REFUSED with the words of etcdutl, HOST_START_FAILED, HOST_UNKNOWN
 */
export async function verifyRestore(
  client: EtcdClient,
  host: Host,
  source: Source,
  snapshot: SnapshotFile & { readonly path: string },
  ctx: EffectContext,
): Promise<Restore> {
  const { cluster, spec, version } = source;
  const scratch = host.scratchNode(spec, 'restored');
  const files = host.scratchNode(spec, 'restored-from');
  const clear = async (context: EffectContext) => {
    await stopPrivateMember(host, scratch, context);
    await host.removeScratch(scratch, context);
    await host.removeScratch(files, context);
  };
  await clear(ctx);
  try {
    const tool: Etcdutl = { host, cluster, node: files, version };
    const path = await placeFile(snapshot.path, await scratchDirectory(host, files, ctx), 'snapshot.db');
    const dataDir = await scratchDirectory(host, scratch, ctx);
    const timeoutMs = toolTimeoutMs(snapshot.bytes);
    await restoreSnapshot(tool, { path, dataDir, timeoutMs, ...nobody }, ctx);
    const saved = await dbStatus(tool, path, timeoutMs, ctx);
    const restored = await dbStatus(tool, `${dataDir}/member/snap/db`, timeoutMs, ctx);
    if (saved.revision !== restored.revision) {
      const seen = `the snapshot ends at revision ${saved.revision}, its restore at ${restored.revision}`;
      return { kind: 'different', seen };
    }
    const options = { version, name: nobody.name };
    return await withPrivateMember({ client, host }, cluster, scratch, options, ctx, (member) =>
      compare(client, source, member, saved.revision, ctx),
    );
  } finally {
    await clear({ ...ctx, signal: AbortSignal.timeout(120_000) });
  }
}

async function compare(
  client: EtcdClient,
  source: Source,
  copy: PrivateMember,
  lastRevision: number,
  ctx: EffectContext,
): Promise<Restore> {
  try {
    const first = await readHash(client, copy.cluster, copy.node, 0, { signal: ctx.signal });
    // The last key of the file tells the revision, and not the running copy, whose leases may end. Nothing was ever
    // written at revision 1; a compaction may have removed the deletion that was last.
    const revision = Math.max(1, lastRevision, first.compactRevision);
    const { compactRevision } = first;
    const live = await hashAt(client, source.cluster, source.node, { revision, compactRevision }, ctx);
    const keys = await countKeys(client, copy.cluster, copy.node, revision, ctx);
    if (live.compactRevision > compactRevision) {
      await compactCopy(client, copy, live.compactRevision, ctx);
    }
    const at = { revision, compactRevision: live.compactRevision };
    const own = await hashAt(client, copy.cluster, copy.node, at, ctx);
    const seen = `${source.node} has ${hashText(live)}, the restored snapshot ${hashText(own)}`;
    switch (sameHash(live, own)) {
      case true:
        return { kind: 'same', content: `revision ${revision}, ${keys} keys`, hash: own };
      case false:
        return { kind: 'different', seen };
      case undefined:
        return { kind: 'inconclusive', seen };
    }
  } catch (error) {
    // "required revision has been compacted", by the original: it goes on while we compare.
    if (error instanceof EtcdError && error.code === grpcCode.outOfRange) {
      return { kind: 'inconclusive', seen: `${source.node} and the restored snapshot: ${error.message}` };
    }
    throw error;
  }
}

/** For messages of the caller. */
export const unverified = (path: string, seen: string, cause?: unknown): RollgateError =>
  new RollgateError(
    'BACKUP_UNVERIFIED',
    `the snapshot for ${path} is not verified: ${seen}`,
    'See that the member it is taken from is healthy and that the disks of the worker and of the node have room, then retry.',
    { cause },
  );
