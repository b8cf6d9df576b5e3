import { join } from 'node:path';
import {
  messageOf,
  RollgateError,
  type ClusterSpec,
  type EffectContext,
  type NodeId,
  type SeedSnapshot,
  type Verdict,
} from '../../../contracts/index.js';
import { restoreSnapshot, toolTimeoutMs } from '../backup/etcdutl.js';
import { hashText, parseHash, sameHash, type KvHash } from '../backup/kv-hash.js';
import { stopPrivateMember, withPrivateMember, type PrivateMember } from '../backup/private-member.js';
import { countKeys, hashAt } from '../backup/reads.js';
import { scratchDirectory } from '../backup/scratch-file.js';
import { digestFile } from '../backup/snapshot-file.js';
import { settingsOf, type EtcdClient } from '../client.js';
import { launch, peerUrl } from '../launch.js';
import { readMembers } from '../member-list.js';
import {
  filesDirectory,
  hasData,
  missing,
  placesOf,
  readMilestone,
  forgetMilestone,
  seedRestored,
  finalizing,
  writeMilestone,
  type FormationDeps,
} from './places.js';

export async function restoreSeed(
  deps: FormationDeps,
  cluster: ClusterSpec,
  seed: NodeId,
  { version, snapshot, token }: { version: string; snapshot: SeedSnapshot; token: string },
  ctx: EffectContext,
): Promise<void> {
  const places = placesOf(deps, cluster, seed);
  const { host } = places;
  const files = await filesDirectory(places, ctx);
  if (files === undefined) throw missing(places, 'no snapshot');
  const url = peerUrl(settingsOf(cluster), seed);
  const wanted = { sha256: snapshot.sha256, version, token, peerUrl: url };
  const made = await readMilestone(files, seedRestored);
  if (made !== undefined && JSON.stringify(made) === JSON.stringify(wanted)) {
    if (await hasData(host, places.seed, ctx)) return;
    // It has been put in its place.
    if ((await readMilestone(files, finalizing)) !== undefined) return;
  }
  if ((await digestFile(snapshot.path, ctx)) !== snapshot.sha256) {
    throw missing(places, `no snapshot with digest ${snapshot.sha256} at ${snapshot.path}`);
  }
  await forgetMilestone(files, seedRestored);
  await host.removeScratch(places.seed, ctx);
  const dataDir = await scratchDirectory(host, places.seed, ctx);
  const timeoutMs = toolTimeoutMs(snapshot.bytes);
  await restoreSnapshot(
    { host, cluster, node: places.files, version },
    { path: join(files, 'snapshot.db'), dataDir, name: seed, peerUrl: url, token, timeoutMs },
    ctx,
  );
  await writeMilestone(files, seedRestored, wanted);
}

/**
 * A copy of the seed is started, not the seed: what is put in place is what was restored, to the byte, and a look
 * that was cut off has changed nothing of it.
 */
export async function verifySeed(
  deps: FormationDeps,
  cluster: ClusterSpec,
  seed: NodeId,
  { version, snapshot }: { version: string; snapshot: SeedSnapshot },
  ctx: EffectContext,
): Promise<{ verdict: Verdict; observed: string; required: string }> {
  const url = peerUrl(settingsOf(cluster), seed);
  const required = `${snapshot.hash}; one member, ${seed} (${url}); a linearizable read`;
  const places = placesOf(deps, cluster, seed);
  const { host } = places;
  const expected = parseHash(snapshot.hash);
  if (expected === undefined || !(await hasData(host, places.seed, ctx))) {
    const observed =
      expected === undefined ? `the hash of the snapshot is ${snapshot.hash}` : 'there is no seed';
    return { verdict: 'unknown', observed, required };
  }
  try {
    await stopPrivateMember(host, places.look, ctx);
    await host.copyData(places.seed, places.look, launch(cluster, seed), ctx);
    const options = { version, name: seed };
    const found = await withPrivateMember(
      { client: deps.client, host },
      cluster,
      places.look,
      options,
      ctx,
      (member) => look(deps.client, member, expected, ctx),
    );
    await host.removeScratch(places.look, ctx);
    const same = sameHash(found.hash, expected);
    const alone = found.members === `${seed} (${url})`;
    const verdict = same === undefined ? 'unknown' : same && alone ? 'pass' : 'hold';
    const observed = `${hashText(found.hash)}; members: ${found.members}; ${found.keys} keys by a linearizable read`;
    return { verdict, observed, required };
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (error instanceof RollgateError && error.retryable) throw error;
    return { verdict: 'unknown', observed: messageOf(error), required };
  }
}

async function look(
  client: EtcdClient,
  member: PrivateMember,
  { revision, compactRevision }: KvHash,
  ctx: EffectContext,
): Promise<{ hash: KvHash; members: string; keys: number }> {
  const { cluster, node } = member;
  const hash = await hashAt(client, cluster, node, { revision, compactRevision }, ctx);
  const keys = await countKeys(client, cluster, node, revision, ctx);
  const members = await readMembers(client, cluster, node, { signal: ctx.signal });
  const text = members.map((m) => `${m.name} (${m.peerUrls.join(', ')})`).join('; ');
  return { hash, members: text, keys };
}
