import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  messageOf,
  nodeSpec,
  RollgateError,
  type Backup,
  type BackupFacet,
  type ClusterSpec,
  type EffectContext,
  type Host,
  type NodeSpec,
} from '../../../contracts/index.js';
import type { EtcdClient } from '../client.js';
import { readAsPrimary } from '../membership/primary-view.js';
import { readStatus, type MemberStatus } from '../status.js';
import { compareVoters } from './compare.js';
import { catchUp } from './reads.js';
import { readRecord, writeRecord } from './record.js';
import { digestFile, fetchSnapshot, publish } from './snapshot-file.js';
import { unverified, verifyRestore, type Source } from './verify-restore.js';

export interface BackupDeps {
  readonly client: EtcdClient;
  readonly host: (node: NodeSpec) => Host;
}

/** A compaction in the middle of a comparison is rare; three in a row are a setting to change. */
const attempts = 3;

/** Snapshots by `etcdutl`'s format, and hashes of the members' data. */
export function createBackup(deps: BackupDeps): BackupFacet {
  return {
    save: (cluster, path, ctx) => save(deps, cluster, path, ctx),
    compare: (cluster, ctx) => compareVoters(deps.client, cluster, ctx),
  };
}

async function save(
  deps: BackupDeps,
  cluster: ClusterSpec,
  path: string,
  ctx: EffectContext,
): Promise<Backup> {
  const kept = await keptBackup(cluster, path, ctx);
  if (kept !== undefined) return kept;
  try {
    return await saveAnew(deps, cluster, path, ctx);
  } catch (error) {
    ctx.signal.throwIfAborted();
    // What may pass by itself is tried again by the caller; everything else means that there is no backup.
    if (error instanceof RollgateError && (error.retryable || error.code === 'BACKUP_UNVERIFIED'))
      throw error;
    throw unverified(path, messageOf(error), error);
  }
}

/** A file has its name only after it was verified; the record beside it says what was found then. */
async function keptBackup(
  cluster: ClusterSpec,
  path: string,
  ctx: EffectContext,
): Promise<Backup | undefined> {
  const sha256 = await digestFile(path, ctx);
  if (sha256 === undefined) return undefined;
  const record = await readRecord(path);
  if (record?.sha256 !== sha256 || record.cluster !== cluster.name || record.runId !== ctx.runId) {
    const whose =
      record === undefined
        ? 'there is no record of it'
        : `its record is of cluster ${record.cluster}, run ${record.runId}, digest ${record.sha256}`;
    throw new RollgateError(
      'BACKUP_UNVERIFIED',
      `${path} exists with digest ${sha256}, but it is not a backup that this run has verified: ${whose}`,
      'Move it away, then retry.',
    );
  }
  return { path, sha256, bytes: record.bytes, content: record.content };
}

async function saveAnew(
  deps: BackupDeps,
  cluster: ClusterSpec,
  path: string,
  ctx: EffectContext,
): Promise<Backup> {
  const partial = `${path}.partial`;
  await mkdir(dirname(path), { recursive: true });
  let seen = '';
  for (let attempt = 0; attempt < attempts; attempt++) {
    const source = await chooseSource(deps, cluster, ctx);
    const host = deps.host(source.spec);
    // So that it holds everything that was acknowledged before.
    await catchUp(deps.client, cluster, source.node, ctx);
    const file = await fetchSnapshot(deps.client, cluster, source.node, partial, ctx);
    const restore = await verifyRestore(deps.client, host, source, { ...file, path: partial }, ctx);
    if (restore.kind === 'different') throw unverified(path, restore.seen);
    if (restore.kind === 'same') {
      const backup = { ...file, content: restore.content };
      await writeRecord(path, { ...backup, cluster: cluster.name, runId: ctx.runId });
      await publish(partial, path);
      return { path, ...backup };
    }
    seen = restore.seen;
  }
  throw unverified(path, `after ${attempts} snapshots still inconclusive, ${seen}`);
}

/** A healthy voter, and a follower where there is one: a snapshot reads everything, which the leader should not. */
async function chooseSource(
  { client }: BackupDeps,
  cluster: ClusterSpec,
  ctx: EffectContext,
): Promise<Source> {
  const { members } = await readAsPrimary(client, cluster, ctx);
  const healthy: { node: string; status: MemberStatus }[] = [];
  const seen: string[] = [];
  for (const { node, role } of members) {
    if (role !== 'voter' || node === undefined) continue;
    try {
      const status = await readStatus(client, cluster, node, { signal: ctx.signal });
      if (status.errors.length === 0) healthy.push({ node, status });
      else seen.push(`${node}: ${status.errors.join(', ')}`);
    } catch (error) {
      ctx.signal.throwIfAborted();
      seen.push(messageOf(error));
    }
  }
  const best = healthy.find(({ status }) => !status.leads) ?? healthy[0];
  if (best === undefined) {
    throw new RollgateError(
      'BACKUP_UNVERIFIED',
      `no voter of ${cluster.name} is healthy enough to save its data: ${seen.join('; ') || 'none is a node of the cluster file'}`,
      'Clear the alarms (etcdctl alarm list) and see that the members run, then retry.',
    );
  }
  const { node, status } = best;
  return { cluster, node, spec: nodeSpec(cluster, node), version: status.version };
}
