import { readFile } from 'node:fs/promises';
import { nodeSpec } from '../../contracts/index.js';
import { createLocalHost } from '../../hosts/local/host.js';
import { processFacts } from '../../hosts/local/process-facts.js';
import { sampleContext, sampleLaunch, type SampleCluster } from './sample-cluster.js';
import { until } from './until.js';

/**
 * As a machine that loses its power: SIGKILL to the postmaster and to every process of its own at the same moment, so
 * that none of them writes or tells anything. Nothing starts it again.
 */
export async function loseNode({ cluster }: SampleCluster, id: string): Promise<void> {
  const node = nodeSpec(cluster, id);
  const host = createLocalHost();
  const status = await host.status(node, sampleLaunch(node), sampleContext);
  if (status.kind !== 'running') throw new Error(`${id} cannot be lost: it is ${status.kind}`);
  const listed = await readFile(`/proc/${status.pid}/task/${status.pid}/children`, 'utf8');
  const pids = [status.pid, ...listed.trim().split(/\s+/).filter(Boolean).map(Number)];
  for (const pid of pids) kill(pid);
  // Its shared memory is taken over only when nobody is left who could write to it.
  await until(`every process of ${id} is gone`, async () => {
    const facts = await Promise.all(pids.map(processFacts));
    return facts.every((found) => found === undefined);
  });
}

/** Start it as it was left: it recovers by itself, as after a power cut. */
export async function startAgain({ cluster }: SampleCluster, id: string): Promise<void> {
  const node = nodeSpec(cluster, id);
  await createLocalHost().start(node, sampleLaunch(node), sampleContext);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // Those of a postmaster that is gone may have noticed already.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
