import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import type { ClusterSpec } from '../../../src/contracts/index.js';
import { openLink, type CutOptions, type Link } from '../../../src/dev/network-cut.js';
import { until } from '../../../src/dev/postgres/until.js';

/** A cluster of one node behind a link, through which everybody goes who is given the cluster. */
export async function behindLink(cluster: ClusterSpec): Promise<{ link: Link; cluster: ClusterSpec }> {
  const [node] = cluster.nodes;
  if (!node || cluster.nodes.length > 1) throw new Error(`${cluster.name} is not of one node`);
  const link = await openLink(node.address);
  return { link, cluster: { ...cluster, nodes: [{ ...node, address: link.address }] } };
}

export interface Cut extends CutOptions {
  readonly links: readonly Link[];
  /** Whether connections that were silent are reset when the network is mended; otherwise they go on. */
  readonly forgotten?: boolean;
}

/** Cut for half a minute; `meanwhile` is what has to be so although it is cut. */
export async function cutOff(
  { links, forgotten = false, ...options }: Cut,
  meanwhile: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  for (const link of links) link.cut(options);
  const over = delay(30_000);
  try {
    await meanwhile();
    await over;
  } finally {
    for (const link of links) link.mend({ reset: forgotten });
  }
}

/** The same from the moment on at which a message with that text has passed through a link. */
export async function cutOffAt(
  { through, texts }: { through: Link; texts: readonly string[] },
  cut: Cut,
  meanwhile?: () => Promise<void>,
): Promise<void> {
  for (const text of texts.slice(0, -1)) {
    await new Promise<void>((resolve) => {
      through.whenPassed(text, resolve);
    });
  }
  const { links, forgotten, ...options } = cut;
  await new Promise<void>((resolve) => {
    through.whenPassed(texts.at(-1) ?? '', () => {
      // In the same turn, before any answer comes back.
      for (const link of links) link.cut(options);
      resolve();
    });
  });
  await cutOff({ links, ...(forgotten !== undefined && { forgotten }), ...options }, meanwhile);
}

export interface DirectWriter {
  /** Wait until it has been let write some more. */
  writesOn(what: string): Promise<void>;
  /** @returns the numbers of the writes that were acknowledged */
  stop(): Promise<readonly number[]>;
}

/**
 * A client that goes to the server itself, past every link, and comes again when it is turned away.
 * @param statement is given the number of the write
 */
export function writeDirectly(login: () => Promise<Client>, statement: string): DirectWriter {
  const ending = new AbortController();
  const acknowledged: number[] = [];
  const run = (async () => {
    let client: Client | undefined;
    for (let number = 1; !ending.signal.aborted; number++) {
      try {
        client ??= await login();
        await client.query(statement, [number]);
        acknowledged.push(number);
      } catch {
        // Turned away by a fence: what becomes of such a write is not known, and nobody counts it.
        await client?.end();
        client = undefined;
      }
      await delay(5);
    }
    await client?.end();
  })();
  return {
    async writesOn(what) {
      const before = acknowledged.length;
      await until(what, () => Promise.resolve(acknowledged.length >= before + 20));
    },
    async stop() {
      ending.abort();
      await run;
      return acknowledged;
    },
  };
}
