import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { NodeSpec, type LaunchSpec } from '../../contracts/index.js';
import { unlessAbsent } from '../../hosts/local/file-error.js';
import { createLocalHost } from '../../hosts/local/host.js';
import { layoutOf } from '../../hosts/local/layout.js';
import { until } from '../postgres/until.js';
import { etcdSampleContext } from './context.js';

/**
 * End, by SIGKILL, every process that a local host has started for a node below `directory`: the nodes of a sample
 * cluster, and the scratch nodes that a run which was killed has left. A pid that was given to another process
 * since is not touched: the host's record tells them apart.
 */
export async function endProcesses(directory: string): Promise<void> {
  await Promise.all((await nodesBelow(directory)).map(end));
}

/** Found by the host's own record of a process, whatever the node is called. */
async function nodesBelow(directory: string): Promise<readonly NodeSpec[]> {
  const { record, pid } = layoutOf(nodeAt(directory));
  const found: NodeSpec[] = [];
  const isRecord = basename(directory) === basename(record);
  // What a running member removes in the meantime is not what is looked for.
  const entries = (await unlessAbsent(() => readdir(directory, { withFileTypes: true }))) ?? [];
  for (const entry of entries) {
    if (entry.isDirectory()) found.push(...(await nodesBelow(join(directory, entry.name))));
    else if (isRecord && entry.name === basename(pid)) found.push(nodeAt(dirname(directory)));
  }
  return found;
}

const nodeAt = (directory: string): NodeSpec =>
  NodeSpec.parse({ id: 'etcd', address: '127.0.0.1:1', host: { kind: 'local', directory } });

const launch: LaunchSpec = { executable: 'etcd', args: [], env: {}, stopSignal: 'SIGTERM' };

async function end(node: NodeSpec): Promise<void> {
  const host = createLocalHost();
  await until(
    `the process of ${layoutOf(node).directory} has ended`,
    async () => {
      const status = await host.status(node, launch, etcdSampleContext);
      if (status.kind === 'unknown') throw new Error(status.reason);
      if (status.kind === 'running') process.kill(status.pid, 'SIGKILL');
      return status.kind === 'stopped';
    },
    20_000,
  );
}
