import {
  messageOf,
  RollgateError,
  type ClusterSpec,
  type EffectContext,
  type Host,
  type LaunchSpec,
  type NodeSpec,
} from '../../../contracts/index.js';
import { DataDirectory } from '../../data-directory.js';
import { waitUntil } from '../../wait.js';
import { settingsOf, type EtcdClient } from '../client.js';
import { freePorts } from './private-ports.js';

/** A member that runs on a copy of ours for a moment; the client of {@link EtcdClient} reaches it as any other. */
export interface PrivateMember {
  readonly cluster: ClusterSpec;
  readonly node: string;
}

export interface PrivateDeps {
  readonly client: EtcdClient;
  readonly host: Host;
}

/** Much data takes long to be read; a small copy is healthy after half a second to two seconds. */
const healthyMs = 300_000;
const pollMs = 100;
const stop = { timeoutMs: 60_000, pollMs: 20 };
/** Somebody may take a free port before etcd does. */
const startAttempts = 3;

/** What of the arguments in the settings matters for reading a copy. Others listen, purge, compact or name files. */
const keptArguments = /^--(quota-backend-bytes|max-request-bytes|max-txn-ops)=/;

/**
 * No peer is reached through a proxy that refuses every connection: should the copy know of other members after all,
 * it must not talk to them, because it would confirm entries in the name of the original. Go passes over proxies for
 * the loopback interface (`ProxyFromEnvironment` of net/http), so the callers see to it that there are none.
 */
const nowhere = 'http://127.0.0.1:9';
const isolated = { HTTP_PROXY: nowhere, HTTPS_PROXY: nowhere, NO_PROXY: '' };

/**
 * Start the data of a scratch node as a one-member cluster that listens on free ports of the loopback interface
 * alone, without TLS, use it, and stop it. A process that an earlier call has left there is stopped first.
 * @param name as it publishes itself
 * @throws HOST_START_FAILED, HOST_UNKNOWN, ARTIFACT_ABSENT, ARTIFACT_MISMATCH and what `use` throws
 */
export async function withPrivateMember<T>(
  deps: PrivateDeps,
  cluster: ClusterSpec,
  scratch: NodeSpec,
  options: { version: string; name: string },
  ctx: EffectContext,
  use: (member: PrivateMember) => Promise<T>,
): Promise<T> {
  const artifact = cluster.artifacts[options.version];
  if (artifact === undefined) throw artifactAbsent(cluster, options.version);
  await stopPrivateMember(deps.host, scratch, ctx);
  try {
    const member = await start(deps.host, cluster, scratch, options, artifact, ctx);
    await untilHealthy(deps, member, scratch, ctx);
    return await use(member);
  } finally {
    // Also when the effect is cancelled: nothing else would ever stop it.
    await stopPrivateMember(deps.host, scratch, { ...ctx, signal: AbortSignal.timeout(stop.timeoutMs * 2) });
  }
}

/** Stop what an earlier call may have left running on a scratch node. */
export const stopPrivateMember = (host: Host, scratch: NodeSpec, ctx: EffectContext): Promise<void> =>
  host.stop(scratch, launchOf(scratch, { name: scratch.id, client: 0, peer: 0 }, []), stop, ctx);

export const artifactAbsent = (cluster: ClusterSpec, version: string): RollgateError =>
  new RollgateError(
    'ARTIFACT_ABSENT',
    `the cluster file has no artifact of ${version}; it has: ${Object.keys(cluster.artifacts).join(', ') || 'none'}`,
    `Add ${version} to spec.artifacts of ${cluster.name}, a directory with etcd and etcdutl.`,
  );

async function start(
  host: Host,
  cluster: ClusterSpec,
  scratch: NodeSpec,
  { version, name }: { version: string; name: string },
  artifact: { path: string; sha256: string },
  ctx: EffectContext,
): Promise<PrivateMember> {
  const { args } = settingsOf(cluster);
  for (let attempt = 1; ; attempt++) {
    const [client = 0, peer = 0] = await freePorts(2);
    const launch = launchOf(scratch, { name, client, peer }, args);
    await host.install(scratch, version, artifact, launch, ctx);
    try {
      await host.start(scratch, launch, ctx);
    } catch (error) {
      const taken = error instanceof RollgateError && error.message.includes('address already in use');
      if (!taken || attempt === startAttempts) throw error;
      continue;
    }
    return {
      node: scratch.id,
      cluster: {
        ...cluster,
        // Tokens of etcd's authentication are kept by this name, and one of the original is none here.
        name: `${cluster.name}-private-${client}`,
        settings: { ...cluster.settings, tls: undefined },
        nodes: [{ ...scratch, address: `127.0.0.1:${client}` }],
      },
    };
  }
}

function launchOf(
  scratch: NodeSpec,
  { name, client, peer }: { name: string; client: number; peer: number },
  args: readonly string[],
): LaunchSpec {
  const directory = DataDirectory.parse(scratch.host) ?? '';
  const [clientUrl, ownPeer] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`];
  return {
    executable: 'etcd',
    args: [
      ...args.filter((arg) => keptArguments.test(arg)),
      `--name=${name}`,
      `--data-dir=${directory}`,
      `--listen-client-urls=${clientUrl}`,
      `--advertise-client-urls=${clientUrl}`,
      `--listen-peer-urls=${ownPeer}`,
      // The data has its own; these count only for a directory without data, which must not become a cluster.
      `--initial-advertise-peer-urls=${ownPeer}`,
      `--initial-cluster=${name}=${ownPeer}`,
      '--initial-cluster-state=existing',
    ],
    env: isolated,
    stopSignal: 'SIGTERM',
  };
}

async function untilHealthy(
  { client, host }: PrivateDeps,
  { cluster, node }: PrivateMember,
  scratch: NodeSpec,
  ctx: EffectContext,
): Promise<void> {
  let said = '';
  const healthy = await waitUntil(
    async () => {
      const launch = launchOf(scratch, { name: node, client: 0, peer: 0 }, []);
      const status = await host.status(scratch, launch, ctx);
      if (status.kind === 'stopped') throw ended(scratch);
      try {
        // A full disk quota forbids writes, not reads.
        said = await client.get(cluster, node, '/health?exclude=NOSPACE', { signal: ctx.signal });
        return said.includes('"true"');
      } catch (error) {
        ctx.signal.throwIfAborted();
        said = messageOf(error);
        return false;
      }
    },
    { timeoutMs: healthyMs, pollMs },
    ctx,
  );
  if (healthy) return;
  throw new RollgateError(
    'HOST_START_FAILED',
    `the copy at ${DataDirectory.parse(scratch.host) ?? scratch.id} was started and is not healthy after ${healthyMs / 1000} s: ${said}`,
    'See the log of the copy, log/node.log beside its data directory.',
  );
}

const ended = (scratch: NodeSpec): RollgateError =>
  new RollgateError(
    'HOST_START_FAILED',
    `etcd ended when it was started on the copy at ${DataDirectory.parse(scratch.host) ?? scratch.id}`,
    'See the log of the copy, log/node.log beside its data directory: the data may be damaged, or of a later version.',
  );
