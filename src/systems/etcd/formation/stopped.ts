import {
  RollgateError,
  type ClusterSpec,
  type EffectContext,
  type NodeId,
} from '../../../contracts/index.js';
import type { EtcdClient } from '../client.js';
import { launch } from '../launch.js';
import { readStatus } from '../status.js';
import type { Places } from './places.js';

/** Whether an etcd answers at the address of a node, whoever started it. */
export async function answers(
  client: EtcdClient,
  cluster: ClusterSpec,
  node: NodeId,
  ctx: EffectContext,
): Promise<boolean> {
  try {
    await readStatus(client, cluster, node, { signal: ctx.signal });
    return true;
  } catch (error) {
    ctx.signal.throwIfAborted();
    // A refusal is an answer as well.
    return !(error instanceof RollgateError && error.code === 'SYSTEM_UNREACHABLE');
  }
}

/**
 * The host knows the processes that it started; a standalone that somebody else has started is seen by its answer
 * here, and by the lock on its database when that is read.
 * @throws SYSTEM_REFUSED, HOST_UNKNOWN
 */
export async function requireStopped(client: EtcdClient, places: Places, ctx: EffectContext): Promise<void> {
  const { cluster, node, host } = places;
  const status = await host.status(node, launch(cluster, node.id), ctx);
  if (status.kind === 'unknown') {
    throw new RollgateError('HOST_UNKNOWN', `${node.id}: ${status.reason}`, 'Look at its host, then retry.');
  }
  const seen =
    status.kind === 'running'
      ? `process ${status.pid} of ${node.id} runs`
      : (await answers(client, cluster, node.id, ctx))
        ? `an etcd answers at the address of ${node.id}, ${node.address}`
        : undefined;
  if (seen === undefined) return;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `${seen}; the standalone must be stopped, so that what it acknowledges is in the snapshot`,
    `Stop the etcd of ${node.id} and keep clients and supervisors from starting it again, then retry.`,
  );
}
