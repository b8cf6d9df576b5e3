import { z } from 'zod';
import {
  RollgateError,
  type ClusterSpec,
  type EffectContext,
  type Host,
  type NodeSpec,
} from '../../../contracts/index.js';
import { artifactAbsent } from './private-member.js';

/** Where etcdutl runs: as the user of `node`, on its host. */
export interface Etcdutl {
  readonly host: Host;
  readonly cluster: ClusterSpec;
  readonly node: NodeSpec;
  readonly version: string;
}

const baseMs = 60_000;
/** It reads and hashes everything; slower than this per second is a disk in trouble. */
const bytesPerSecond = 10 * 1024 * 1024;

export const toolTimeoutMs = (bytes: number): number => baseMs + Math.ceil(bytes / bytesPerSecond) * 1000;

const DbStatus = z.looseObject({
  revision: z.number(),
  /** Of the data; empty before 3.6. */
  version: z.string().default(''),
});
export type DbStatus = z.infer<typeof DbStatus>;

/**
 * Check the b+tree of a snapshot or of a member's `snap/db` and read its last revision. It is opened for reading
 * only, and it waits as long as a running etcd has it open: then it is timed out, HOST_UNKNOWN.
 * Its count of keys is not used: before 3.6 it counts the entries of all buckets, members among them.
 * https://etcd.io/docs/v3.6/op-guide/recovery/#snapshotting-the-keyspace
 * @throws SYSTEM_REFUSED with its words when the file is damaged, HOST_UNKNOWN
 */
export async function dbStatus(
  tool: Etcdutl,
  path: string,
  timeoutMs: number,
  ctx: EffectContext,
): Promise<DbStatus> {
  const said = await run(tool, ['snapshot', 'status', path, '--write-out=json'], timeoutMs, ctx);
  return DbStatus.parse(JSON.parse(said));
}

/**
 * Make `dataDir`, which must be absent or empty, the data of a new one-member cluster:
 * https://etcd.io/docs/v3.6/op-guide/recovery/#restoring-a-cluster.
 * @throws SYSTEM_REFUSED with its words, HOST_UNKNOWN
 */
export async function restoreSnapshot(
  tool: Etcdutl,
  options: {
    readonly path: string;
    readonly dataDir: string;
    readonly name: string;
    readonly peerUrl: string;
    readonly token: string;
    readonly timeoutMs: number;
  },
  ctx: EffectContext,
): Promise<void> {
  const { path, dataDir, name, peerUrl, token, timeoutMs } = options;
  const args = [
    ...['snapshot', 'restore', path],
    `--name=${name}`,
    `--initial-cluster=${name}=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster-token=${token}`,
    `--data-dir=${dataDir}`,
  ];
  await run(tool, args, timeoutMs, ctx);
}

async function run(
  { host, cluster, node, version }: Etcdutl,
  args: readonly string[],
  timeoutMs: number,
  ctx: EffectContext,
): Promise<string> {
  const artifact = cluster.artifacts[version];
  if (artifact === undefined) throw artifactAbsent(cluster, version);
  const tool = { artifact: artifact.path, executable: 'etcdutl', args, timeoutMs };
  const { code, stdout, stderr } = await host.runTool(node, tool, ctx);
  if (code === 0) return stdout;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `etcdutl ${version} ${args.slice(0, 3).join(' ')} ended with exit code ${code}: ${lastWords(stderr || stdout)}`,
    'See that the file is a whole etcd database and that the disk has room, then retry.',
  );
}

const lastWords = (text: string): string => text.trim().slice(-1000);
