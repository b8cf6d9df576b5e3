import { setTimeout as delay } from 'node:timers/promises';
import {
  messageOf,
  type ClusterSpec,
  type EffectContext,
  type NodeId,
  type Verdict,
} from '../../../contracts/index.js';
import type { EtcdClient } from '../client.js';
import { readAsPrimary } from '../membership/primary-view.js';
import { hashText, readHash, readRevision, sameHash, type KvHash } from './kv-hash.js';

export interface Comparison {
  readonly verdict: Verdict;
  readonly observed: string;
  readonly required: string;
}

const attempts = 6;
const pauseMs = 300;
const required = 'the same hash on every voter, at one revision and one compact revision';

/**
 * Compare what all voters hold. Where the members are compared at different compact revisions, mostly because a
 * compaction came between two answers, they are asked again; what remains so is inconclusive, as every error is.
 */
export async function compareVoters(
  client: EtcdClient,
  cluster: ClusterSpec,
  ctx: EffectContext,
): Promise<Comparison> {
  let last = inconclusive('nobody was asked');
  let held: Comparison | undefined;
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (attempt > 0) await delay(pauseMs, undefined, { signal: ctx.signal });
    last = await compareOnce(client, cluster, attempt % 2 === 0 ? 'lowest' : 'current', ctx);
    ctx.heartbeat({ comparing: last.observed });
    if (last.verdict === 'pass' || (last.verdict === 'hold' && held !== undefined)) return last;
    if (last.verdict === 'hold') held = last;
  }
  return held ?? last;
}

/**
 * @param at `lowest`: at the lowest revision of all, which all have; `current`: each at its own, which must be one:
 *   so an idle cluster can be compared whose members answer differently at a revision, see {@link readHash}
 */
async function compareOnce(
  client: EtcdClient,
  cluster: ClusterSpec,
  at: 'lowest' | 'current',
  ctx: EffectContext,
): Promise<Comparison> {
  const options = { signal: ctx.signal };
  try {
    const { members } = await readAsPrimary(client, cluster, ctx);
    const voters = members.filter((m) => m.role === 'voter');
    const nodes = voters.flatMap((m): NodeId[] => (m.node === undefined ? [] : [m.node]));
    if (nodes.length < voters.length) {
      const names = voters.filter((m) => m.node === undefined).map((m) => m.name || m.id);
      return inconclusive(`${names.join(', ')} cannot be asked: no node of the cluster file`);
    }
    const revisions = await all(nodes, (node) => readRevision(client, cluster, node, options));
    const revision = at === 'lowest' ? Math.min(...revisions.map((r) => r.value)) : 0;
    const hashes = await all(nodes, (node) => readHash(client, cluster, node, revision, options));
    return judge(hashes);
  } catch (error) {
    ctx.signal.throwIfAborted();
    return inconclusive(messageOf(error));
  }
}

function judge(hashes: readonly { node: NodeId; value: KvHash }[]): Comparison {
  const [first, ...others] = hashes;
  if (first === undefined) return inconclusive('the list has no voter');
  const seen = hashes.map(({ node, value }) => `${node}: ${hashText(value)}`).join('; ');
  const equal = others.map(({ value }) => sameHash(first.value, value));
  if (equal.includes(undefined)) return inconclusive(seen);
  if (equal.includes(false)) return { verdict: 'hold', observed: seen, required };
  return {
    verdict: 'pass',
    observed: `${hashText(first.value)} on ${hashes.map(({ node }) => node).join(', ')}`,
    required,
  };
}

const inconclusive = (why: string): Comparison => ({
  verdict: 'unknown',
  observed: `inconclusive: ${why}`,
  required,
});

/** At once, so that little comes between two answers. */
function all<T>(
  nodes: readonly NodeId[],
  ask: (node: NodeId) => Promise<T>,
): Promise<{ node: NodeId; value: T }[]> {
  return Promise.all(nodes.map(async (node) => ({ node, value: await ask(node) })));
}
