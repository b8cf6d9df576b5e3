import {
  known,
  messageOf,
  unknown,
  type ClusterSpec,
  type EffectContext,
  type NodeId,
  type Observed,
  type StandaloneView,
} from '../../../contracts/index.js';
import { dbStatus, toolTimeoutMs } from '../backup/etcdutl.js';
import { readHash, readRevision } from '../backup/kv-hash.js';
import { stopPrivateMember, withPrivateMember, type PrivateMember } from '../backup/private-member.js';
import { countKeys } from '../backup/reads.js';
import type { EtcdClient } from '../client.js';
import { launch } from '../launch.js';
import { readMembers } from '../member-list.js';
import { compareSeries, readClusterLevel, readStatus, seriesOf } from '../status.js';
import { placesOf, type FormationDeps, type Places } from './places.js';
import { bytesForCopy } from './room.js';
import { answers } from './stopped.js';
import { databaseOf, readStored, type Stored } from './stored.js';

type Content = Pick<StandaloneView, 'series' | 'members' | 'coherent' | 'content'>;

/**
 * A running standalone is asked; the files of a stopped one are read, and a copy of it is started to see that its
 * log can be read as well. The original is opened for reading only.
 */
export async function inspectStandalone(
  deps: FormationDeps,
  cluster: ClusterSpec,
  seed: NodeId,
  ctx: EffectContext,
): Promise<StandaloneView> {
  const places = placesOf(deps, cluster, seed);
  const { host, node } = places;
  const record = await host.readMode(node, ctx);
  const facts = await host.dataFacts(node, ctx);
  const mode = record?.mode ?? 'standalone';
  const running = await isRunning(deps.client, places, ctx);
  const content = await contentOf(deps, places, running, facts, ctx);
  const absent = unknown('there is no data directory');
  return {
    mode,
    running,
    ...content,
    bytes: facts ? known(facts.bytes) : absent,
    freeBytes: facts ? known(facts.freeBytes) : absent,
  };
}

async function isRunning(
  client: EtcdClient,
  { cluster, node, host }: Places,
  ctx: EffectContext,
): Promise<Observed<boolean>> {
  const status = await host.status(node, launch(cluster, node.id), ctx);
  if (status.kind === 'running' || (await answers(client, cluster, node.id, ctx))) return known(true);
  return status.kind === 'unknown' ? unknown(status.reason) : known(false);
}

async function contentOf(
  deps: FormationDeps,
  places: Places,
  running: Observed<boolean>,
  facts: Facts | undefined,
  ctx: EffectContext,
): Promise<Content> {
  if (running.kind === 'unknown') return nothing(`whether it runs is not known: ${running.reason}`);
  try {
    if (running.value) {
      return await asked(deps.client, { cluster: places.cluster, node: places.node.id }, ctx);
    }
    if (facts === undefined || facts.empty) return nothing('there is no data');
    return await read(deps, places, facts, ctx);
  } catch (error) {
    ctx.signal.throwIfAborted();
    return nothing(messageOf(error));
  }
}

interface Facts {
  readonly path: string;
  readonly bytes: number;
  readonly freeBytes: number;
  readonly empty: boolean;
}

const nothing = (reason: string): Content => ({
  series: unknown(reason),
  members: unknown(reason),
  coherent: unknown(reason),
  content: unknown(reason),
});

/** What a running member says, which reads all its data for the hash. */
async function asked(
  client: EtcdClient,
  { cluster, node }: PrivateMember,
  ctx: EffectContext,
): Promise<Content> {
  const options = { signal: ctx.signal };
  const { errors } = await readStatus(client, cluster, node, options);
  const series = await readClusterLevel(client, cluster, node, options);
  const members = await readMembers(client, cluster, node, options);
  const revision = await readRevision(client, cluster, node, options);
  const keys = await countKeys(client, cluster, node, 0, ctx);
  await readHash(client, cluster, node, 0, options);
  return {
    series: series === undefined ? unknown('no cluster version is decided yet') : known(series),
    members: known(members.map((m) => m.name || m.id)),
    coherent: errors.length === 0 ? known(true) : unknown(errors.join(', ')),
    content: known(`revision ${revision}, ${keys} keys`),
  };
}

async function read(deps: FormationDeps, places: Places, facts: Facts, ctx: EffectContext): Promise<Content> {
  const { cluster, host, node } = places;
  const stored = await readStored(facts.path);
  const version = readableBy(Object.keys(cluster.artifacts), stored.series, await host.installed(node, ctx));
  const files: Content = {
    series: stored.series === undefined ? unknown('its data names no cluster version') : known(stored.series),
    members: known(stored.members.map((m) => m.name || m.id)),
    coherent: unknown(whyNotStarted(stored)),
    content: unknown(whyNotStarted(stored)),
  };
  if (!stored.alone) return files;
  if (version === undefined)
    return blind(files, `no artifact of the cluster file reads ${stored.series ?? ''}`);
  const missing = bytesForCopy(facts.bytes) - facts.freeBytes;
  if (missing > 0) return blind(files, `the disk lacks ${missing} bytes for a copy`);
  try {
    const tool = { host, cluster, node, version };
    await dbStatus(tool, databaseOf(facts.path), toolTimeoutMs(facts.bytes), ctx);
    await stopPrivateMember(host, places.inspected, ctx);
    await host.copyData(node, places.inspected, launch(cluster, node.id), ctx);
    const starting = { client: deps.client, host };
    const options = { version, name: node.id };
    const found = await withPrivateMember(starting, cluster, places.inspected, options, ctx, (member) =>
      asked(deps.client, member, ctx),
    );
    return { ...files, coherent: found.coherent, content: found.content };
  } catch (error) {
    ctx.signal.throwIfAborted();
    return blind(files, messageOf(error));
  } finally {
    await host.removeScratch(places.inspected, { ...ctx, signal: AbortSignal.timeout(120_000) });
  }
}

const blind = (files: Content, reason: string): Content => ({
  ...files,
  coherent: unknown(reason),
  content: unknown(reason),
});

const whyNotStarted = ({ members }: Stored): string =>
  members.length === 1
    ? 'it is not in its own list of members: it was removed from a cluster'
    : `it is one of ${members.length} members, so no copy of it was started`;

/** The version that reads the data without changing more than it must: as installed, or of the same series, or later. */
export function readableBy(
  versions: readonly string[],
  series: string | undefined,
  installed: string | undefined,
): string | undefined {
  if (installed !== undefined && versions.includes(installed)) return installed;
  const later = versions
    .filter((v) => series === undefined || compareSeries(seriesOf(v) ?? '', series) >= 0)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  return later.findLast((v) => seriesOf(v) === series) ?? later[0];
}
