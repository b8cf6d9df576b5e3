import { z } from 'zod';
import {
  RollgateError,
  type ClusterSpec,
  type EffectContext,
  type NodeId,
  type ScratchFacet,
} from '../../contracts/index.js';
import { waitUntil } from '../wait.js';
import { encode, settingsOf, type EtcdClient } from './client.js';
import { after, endOf, ownerKey, range } from './keys.js';
import { requireNoAnswer } from './refusal.js';
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
      let written = false;
      await waitUntil(
        async () => {
          written ||= await write(client, cluster, from, key, token, ctx);
          await Promise.all(
            on
              .filter((node) => !seenOn.has(node))
              .map(async (node) => {
                if (await shows(client, cluster, node, key, token, ctx)) seenOn.add(node);
              }),
          );
          return seenOn.size === on.length;
        },
        { timeoutMs, pollMs },
        ctx,
      );
      return { seenOn: on.filter((node) => seenOn.has(node)), ms: Date.now() - began };
    },
  };
}

/**
 * Whether a put was confirmed. One without an answer may never have arrived, so it is for the caller to repeat.
 * @throws SYSTEM_REFUSED what the node says to it, other than that it cannot now
 */
async function write(
  client: EtcdClient,
  cluster: ClusterSpec,
  node: NodeId,
  key: string,
  value: string,
  ctx: EffectContext,
): Promise<boolean> {
  try {
    await put(client, cluster, node, key, value, { signal: ctx.signal });
    return true;
  } catch (error) {
    requireNoAnswer(error, node, 'write a canary', ctx.signal);
    return false;
  }
}

/** The node's own copy, not what a quorum knows: `serializable`. False too when it does not answer. */
async function shows(
  client: EtcdClient,
  cluster: ClusterSpec,
  node: NodeId,
  key: string,
  value: string,
  ctx: EffectContext,
): Promise<boolean> {
  try {
    const { kvs } = await range(client, cluster, node, { key, serializable: true }, { signal: ctx.signal });
    return kvs[0]?.value === value;
  } catch (error) {
    requireNoAnswer(error, node, 'read a canary', ctx.signal);
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
  const shown = await Promise.all(
    voters.map((node) => shows(client, cluster, node, ownerKey(cluster), mark, ctx)),
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
  let failure: RollgateError | undefined;
  for (const node of byUsefulness(await askStatuses(client, cluster, ctx.signal))) {
    try {
      await work(node);
      return;
    } catch (error) {
      failure = requireNoAnswer(error, node, doing, ctx.signal);
    }
  }
  throw failure ?? new RangeError('a cluster has at least one node');
}
