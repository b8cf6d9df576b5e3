import {
  RollgateError,
  type ClusterSpec,
  type EffectContext,
  type NodeId,
  type NodeSpec,
} from '../../../contracts/index.js';
import { dbStatus, toolTimeoutMs } from '../backup/etcdutl.js';
import { stopPrivateMember } from '../backup/private-member.js';
import { settingsOf } from '../client.js';
import { launch, peerUrl } from '../launch.js';
import { fingerprint } from './fingerprint.js';
import {
  filesDirectory,
  hasData,
  missing,
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
import { requireStopped } from './stopped.js';
import { databaseOf, readStored } from './stored.js';

/**
 * Two renames, with a record before them: whoever comes after a crash, in whichever run, goes on with the same names.
 * While the seed is at its scratch place, the node's place holds the standalone or nothing.
 */
export async function finalizeSeed(
  deps: FormationDeps,
  cluster: ClusterSpec,
  seed: NodeId,
  version: string,
  ctx: EffectContext,
): Promise<{ readonly kept: string }> {
  const places = placesOf(deps, cluster, seed);
  const { host, node } = places;
  const files = await filesDirectory(places, ctx);
  if (files === undefined) throw missing(places, 'no snapshot');
  const { suffix, kept } =
    (await readMilestone(files, finalizing)) ?? (await begin(deps, places, files, version, ctx));

  const isInScratch = await hasData(host, places.seed, ctx);
  const isInPlace = await hasData(host, node, ctx);
  if (isInScratch && isInPlace) await host.moveDataAside(node, suffix, launch(cluster, seed), ctx);
  if (isInScratch || !isInPlace) await host.adoptData(places.seed, node, ctx);
  await requireSeed(places, ctx);
  return { kept };
}

/** Everything is looked at once more before anything of the standalone's is touched. */
async function begin(
  deps: FormationDeps,
  places: Places,
  files: string,
  version: string,
  ctx: EffectContext,
): Promise<{ suffix: string; kept: string }> {
  const { cluster, host, node } = places;
  const snapshot = await readMilestone(files, snapshotTaken);
  const restored = await readMilestone(files, seedRestored);
  const seedFacts = await host.dataFacts(places.seed, ctx);
  if (snapshot === undefined || restored?.sha256 !== snapshot.sha256 || seedFacts === undefined) {
    throw missing(places, 'no restored seed');
  }
  await requireStopped(deps.client, places, ctx);
  const standalone = await host.dataFacts(node, ctx);
  if (standalone === undefined) throw missing(places, `no data of the standalone`);
  if ((await fingerprint(standalone.path)) !== snapshot.fingerprint) {
    throw new RollgateError(
      'SYSTEM_REFUSED',
      `${standalone.path} has changed since its snapshot was taken, so the seed may lack what was written since`,
      'Keep the standalone stopped and run the formation again: it takes a new snapshot.',
    );
  }
  const tool = { host, cluster, node: places.files, version };
  await dbStatus(tool, databaseOf(seedFacts.path), toolTimeoutMs(seedFacts.bytes), ctx);
  const suffix = `standalone-${ctx.runId}`;
  const record = { suffix, kept: `${standalone.path}.${suffix}` };
  await writeMilestone(files, finalizing, record);
  return record;
}

async function requireSeed({ cluster, host, node }: Places, ctx: EffectContext): Promise<void> {
  const path = (await host.dataFacts(node, ctx))?.path ?? '';
  const stored = await readStored(path);
  const [member] = stored.members;
  const url = peerUrl(settingsOf(cluster), node.id);
  if (stored.alone && member?.name === node.id && member.peerUrls.includes(url)) return;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `${path} should hold the seed ${node.id} (${url}) now, but its data is that of ${member?.name ?? 'nobody'} (${member?.peerUrls.join(', ') ?? ''})`,
    `See which directory beside ${path} holds the standalone's data; do not start anything on it before.`,
  );
}

/** A formation that was finalized is left as it is; one that was on its way to it is taken back. */
export async function discardSeed(
  deps: FormationDeps,
  cluster: ClusterSpec,
  seed: NodeId,
  ctx: EffectContext,
): Promise<void> {
  const places = placesOf(deps, cluster, seed);
  const { host, node } = places;
  const files = await filesDirectory(places, ctx);
  const record = await readMilestone(files, finalizing);
  if (files !== undefined && record !== undefined) {
    const isInPlace = await hasData(host, node, ctx);
    if (isInPlace && !(await hasData(host, places.seed, ctx))) return;
    if (!isInPlace) await host.adoptData(at(node, record.kept), node, ctx);
    await forgetMilestone(files, finalizing);
  }
  for (const scratch of [places.copy, places.look, places.inspected])
    await stopPrivateMember(host, scratch, ctx);
  // Our records last, so that a call after a crash knows what this one knew.
  for (const scratch of [places.copy, places.look, places.inspected, places.seed, places.files]) {
    await host.removeScratch(scratch, ctx);
  }
}

const at = (node: NodeSpec, dataDir: string): NodeSpec => ({ ...node, host: { ...node.host, dataDir } });
