import { join } from 'node:path';
import type { ClusterSpec, EffectContext, NodeId, SeedSnapshot } from '../../../contracts/index.js';
import { hashText, readHash } from '../backup/kv-hash.js';
import { dbStatus, toolTimeoutMs } from '../backup/etcdutl.js';
import { stopPrivateMember, withPrivateMember, type PrivateMember } from '../backup/private-member.js';
import { countKeys } from '../backup/reads.js';
import { giveAway, scratchDirectory } from '../backup/scratch-file.js';
import { digestFile, fetchSnapshot, publish } from '../backup/snapshot-file.js';
import { launch } from '../launch.js';
import { fingerprint } from './fingerprint.js';
import {
  filesDirectory,
  placesOf,
  readMilestone,
  forgetMilestone,
  snapshotTaken,
  seedRestored,
  finalizing,
  writeMilestone,
  type FormationDeps,
  type Places,
} from './places.js';
import { requireRoom } from './room.js';
import { requireStopped } from './stopped.js';
import { databaseOf, requireAlone } from './stored.js';

/**
 * The database file of a stopped etcd may lack its last writes, which are in its log (100 ms of them after a kill).
 * So an etcd is started on a copy, reads the log, and is asked for the snapshot.
 */
export async function takeSnapshot(
  deps: FormationDeps,
  cluster: ClusterSpec,
  seed: NodeId,
  version: string,
  ctx: EffectContext,
): Promise<SeedSnapshot> {
  const places = placesOf(deps, cluster, seed);
  const kept = await keptSnapshot(places, ctx);
  if (kept !== undefined) return kept;

  await requireStopped(deps.client, places, ctx);
  const { host, node } = places;
  const dataDir = await requireRoom(places, ctx);
  await requireAlone(seed, dataDir);
  // Waits for the lock of a running etcd, and fails on a damaged file before anything is copied.
  const bytes = (await host.dataFacts(node, ctx))?.bytes ?? 0;
  await dbStatus({ host, cluster, node, version }, databaseOf(dataDir), toolTimeoutMs(bytes), ctx);

  const taken = await fingerprint(dataDir);
  await stopPrivateMember(host, places.copy, ctx);
  await host.copyData(node, places.copy, launch(cluster, seed), ctx);
  const files = await scratchDirectory(host, places.files, ctx);
  const snapshot = await withPrivateMember(
    { client: deps.client, host },
    cluster,
    places.copy,
    { version, name: seed },
    ctx,
    (member) => fetch(deps, member, files, ctx),
  );
  await host.removeScratch(places.copy, ctx);
  await forgetMilestone(files, seedRestored);
  await writeMilestone(files, snapshotTaken, { ...snapshot, fingerprint: taken, version });
  return snapshot;
}

async function fetch(
  { client }: FormationDeps,
  { cluster, node }: PrivateMember,
  files: string,
  ctx: EffectContext,
): Promise<SeedSnapshot> {
  const path = join(files, 'snapshot.db');
  const partial = `${path}.partial`;
  const hash = await readHash(client, cluster, node, 0, { signal: ctx.signal });
  const keys = await countKeys(client, cluster, node, hash.revision, ctx);
  const file = await fetchSnapshot(client, cluster, node, partial, ctx);
  // etcdutl reads it as the node's user.
  await giveAway(partial, files);
  await publish(partial, path);
  return { path, ...file, content: `revision ${hash.revision}, ${keys} keys`, hash: hashText(hash) };
}

/** One that was taken of the data as they are now, or before they were moved aside. */
async function keptSnapshot(places: Places, ctx: EffectContext): Promise<SeedSnapshot | undefined> {
  const files = await filesDirectory(places, ctx);
  const record = await readMilestone(files, snapshotTaken);
  if (record === undefined || (await digestFile(record.path, ctx)) !== record.sha256) return undefined;
  const { path, sha256, bytes, content, hash } = record;
  const snapshot = { path, sha256, bytes, content, hash };
  if ((await readMilestone(files, finalizing)) !== undefined) return snapshot;
  const facts = await places.host.dataFacts(places.node, ctx);
  return facts !== undefined && (await fingerprint(facts.path)) === record.fingerprint ? snapshot : undefined;
}
