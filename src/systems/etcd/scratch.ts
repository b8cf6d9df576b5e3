import { z } from 'zod';
import {
  RollgateError,
  type ClusterSpec,
  type EffectContext,
  type NodeId,
  type ScratchFacet,
} from '../../contracts/index.js';
import { waitUntil } from '../wait.js';
import { encode, EtcdError, settingsOf, type EtcdClient } from './client.js';
import { after, endOf, ownerKey, range } from './keys.js';
import { asRollgateError } from './refusal.js';
import { askStatuses, byUsefulness } from './statuses.js';

/** By this value we know that the keys below the prefix are ours to use and to remove. */
const mark = 'rollgate scratch';
const page = 1000;

export function createScratch(client: EtcdClient): ScratchFacet {
  return {
    async create(cluster, ctx) {
      await onAny(client, cluster, ctx, 'make the scratch keys', async (node) => {
        if (await isOurs(client, cluster, node, ctx)) return;
        await put(client, cluster, node, ownerKey(cluster), mark, { signal: ctx.signal });
      });
      let missing: readonly NodeId[] = [];
      const arrived = await waitUntil(
        async () => {
          missing = await without(client, cluster, ctx);
          return missing.length === 0;
        },
        { timeoutMs: 30_000, pollMs: 50 },
        ctx,
      );
      if (arrived) return;
      throw new RollgateError(
        'CANARY_MISSING',
        `the key ${ownerKey(cluster)} has not arrived on ${missing.join(', ')}`,
        'Find out why replication does not deliver, then retry.',
      );
    },

    async drop(cluster, ctx) {
      await onAny(client, cluster, ctx, 'remove the scratch keys', async (node) => {
        if (!(await isOurs(client, cluster, node, ctx))) return;
        await removeAll(client, cluster, node, ctx);
      });
    },

    async prove(cluster, { token, from, on, timeoutMs, pollMs }, ctx) {
      const key = `${settingsOf(cluster).scratchPrefix}canary/${token}`;
      const began = Date.now();
      const seenOn = new Set<NodeId>();
      const left = (): number => Math.max(1, began + timeoutMs - Date.now());
      try {
        await put(client, cluster, from, key, token, { timeoutMs, signal: ctx.signal });
      } catch (error) {
        ctx.signal.throwIfAborted();
        // Without an answer it may be there all the same: it is looked for, and what is seen counts.
        if (error instanceof EtcdError) throw asRollgateError(error, from, 'write a canary', 'See its log.');
      }
      await waitUntil(
        async () => {
          await Promise.all(
            on
              .filter((node) => !seenOn.has(node))
              .map(async (node) => {
                if (await shows(client, cluster, node, key, token, left(), ctx)) seenOn.add(node);
              }),
          );
          return seenOn.size === on.length;
        },
        { timeoutMs: left(), pollMs },
        ctx,
      );
      return { seenOn: on.filter((node) => seenOn.has(node)), ms: Date.now() - began };
    },
  };
}

/** The node's own copy, not what a quorum knows: `serializable`. */
async function shows(
  client: EtcdClient,
  cluster: ClusterSpec,
  node: NodeId,
  key: string,
  value: string,
  timeoutMs: number,
  ctx: EffectContext,
): Promise<boolean> {
  try {
    const options = { timeoutMs, signal: ctx.signal };
    const { kvs } = await range(client, cluster, node, { key, serializable: true }, options);
    return kvs[0]?.value === value;
  } catch {
    ctx.signal.throwIfAborted();
    return false;
  }
}

/** Nodes that answer and do not show the mark; a node that is silent is not in sync anyway. */
async function without(
  client: EtcdClient,
  cluster: ClusterSpec,
  ctx: EffectContext,
): Promise<readonly NodeId[]> {
  const statuses = await askStatuses(client, cluster, ctx.signal);
  const voters = statuses.filter((s) => s.status?.learner === false).map((s) => s.node);
  const { requestTimeout } = settingsOf(cluster);
  const shown = await Promise.all(
    voters.map((node) => shows(client, cluster, node, ownerKey(cluster), mark, requestTimeout, ctx)),
  );
  return voters.filter((_, i) => shown[i] !== true);
}

/** Whether our mark is there. @throws SYSTEM_REFUSED when there are keys below the prefix that are not ours */
async function isOurs(
  client: EtcdClient,
  cluster: ClusterSpec,
  node: NodeId,
  ctx: EffectContext,
): Promise<boolean> {
  const { scratchPrefix } = settingsOf(cluster);
  const options = { signal: ctx.signal };
  const { kvs } = await range(client, cluster, node, { key: ownerKey(cluster) }, options);
  if (kvs[0]?.value === mark) return true;
  const within = { key: scratchPrefix, end: endOf(scratchPrefix), limit: 1, keysOnly: true };
  const [other] = (await range(client, cluster, node, within, options)).kvs;
  if (!other) return false;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `there are keys below ${scratchPrefix} that are not rollgate's, such as ${other.key}`,
    'Choose another spec.settings.scratchPrefix, below which there is nothing.',
  );
}

/** In pages, so that no request is large; the mark goes last, so that a removal that is cut off goes on. */
async function removeAll(
  client: EtcdClient,
  cluster: ClusterSpec,
  node: NodeId,
  ctx: EffectContext,
): Promise<void> {
  const { scratchPrefix: key } = settingsOf(cluster);
  const [owner, options] = [ownerKey(cluster), { signal: ctx.signal }];
  for (;;) {
    const first = { key, end: owner, limit: page, keysOnly: true };
    const last = (await range(client, cluster, node, first, options)).kvs.at(-1)?.key;
    if (last === undefined) break;
    await remove(client, cluster, node, key, after(last), ctx);
    ctx.heartbeat();
  }
  await remove(client, cluster, node, owner, endOf(key), ctx);
}

const remove = (
  client: EtcdClient,
  cluster: ClusterSpec,
  node: NodeId,
  key: string,
  end: string,
  ctx: EffectContext,
): Promise<unknown> =>
  client.post(
    cluster,
    node,
    '/v3/kv/deleterange',
    { key: encode(key), range_end: encode(end) },
    z.looseObject({}),
    { signal: ctx.signal, timeoutMs: 10_000 },
  );

const put = (
  client: EtcdClient,
  cluster: ClusterSpec,
  node: NodeId,
  key: string,
  value: string,
  options: { timeoutMs?: number; signal: AbortSignal },
): Promise<unknown> =>
  client.post(
    cluster,
    node,
    '/v3/kv/put',
    { key: encode(key), value: encode(value) },
    z.looseObject({}),
    options,
  );

/** Everything done here may be done twice, so that a node that gives no answer is followed by the next one. */
async function onAny(
  client: EtcdClient,
  cluster: ClusterSpec,
  ctx: EffectContext,
  doing: string,
  work: (node: NodeId) => Promise<void>,
): Promise<void> {
  let failure: unknown;
  for (const node of byUsefulness(await askStatuses(client, cluster, ctx.signal))) {
    try {
      await work(node);
      return;
    } catch (error) {
      ctx.signal.throwIfAborted();
      failure = asRollgateError(error, node, doing, 'See the log of the members.');
      if (!(failure instanceof RollgateError) || failure.code !== 'SYSTEM_UNREACHABLE') throw failure;
    }
  }
  throw failure;
}
