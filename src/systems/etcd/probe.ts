import { z } from 'zod';
import {
  messageOf,
  RollgateError,
  type ClusterSpec,
  type NodeId,
  type ProbeClient,
  type ProbeFacet,
  type ProbeKey,
  type SecretResolver,
  type WriteOutcome,
} from '../../contracts/index.js';
import { createEtcdClient, encode, settingsOf, type EtcdClient } from './client.js';
import { after, endOf, range, type KeyPage } from './keys.js';
import { wasNeverSent, wasRefused } from './write-outcome.js';

const registers = 3;
const page = 1000;

const ledgerPrefix = (cluster: ClusterSpec, runId: string): string =>
  `${settingsOf(cluster).scratchPrefix}ledger/${runId}/`;
/** Not by run, because a client that only reads is told of none: the value says which run has written it. */
const registerKey = (cluster: ClusterSpec, register: number): string =>
  `${settingsOf(cluster).scratchPrefix}register/${register}`;

/** Each client has a connection of its own, and begins with another node than the one before. */
export function createProbe(secrets: SecretResolver): ProbeFacet {
  let connected = 0;
  return {
    registers,

    connect(cluster, { name }) {
      return createProbeClient(createEtcdClient(secrets), cluster, name, connected++);
    },

    async *readBack(cluster, runId) {
      const client = createEtcdClient(secrets);
      const prefix = ledgerPrefix(cluster, runId);
      try {
        for (let from: string | undefined = prefix; from !== undefined;) {
          const { kvs, more }: KeyPage = await firstAnswer(
            cluster,
            pageFrom(client, cluster, from, endOf(prefix)),
          );
          for (const { key } of kvs) {
            const found = ledgerKey(runId, key.slice(prefix.length));
            if (found) yield found;
          }
          const last: string | undefined = kvs.at(-1)?.key;
          from = more && last !== undefined ? after(last) : undefined;
        }
      } finally {
        await client.close();
      }
    },
  };
}

const pageFrom =
  (client: EtcdClient, cluster: ClusterSpec, key: string, end: string) =>
  (node: NodeId): Promise<KeyPage> =>
    range(client, cluster, node, { key, end, limit: page, keysOnly: true }, { timeoutMs: 10_000 });

/** A linearizable read is the same from every member: the first that answers will do. */
async function firstAnswer<T>(cluster: ClusterSpec, read: (node: NodeId) => Promise<T>): Promise<T> {
  const reasons: string[] = [];
  for (const { id } of cluster.nodes) {
    try {
      return await read(id);
    } catch (error) {
      reasons.push(messageOf(error));
    }
  }
  throw new RollgateError(
    'SYSTEM_UNREACHABLE',
    `no member gave the keys of the write ledger: ${reasons.join('; ')}`,
    'Bring the cluster back, then read the ledger again.',
  );
}

function ledgerKey(runId: string, name: string): ProbeKey | undefined {
  const [, writer, seq] = /^(\d+)\/(\d+)$/.exec(name) ?? [];
  return writer === undefined ? undefined : { runId, writer: Number(writer), seq: Number(seq) };
}

/** What a register holds. */
const Register = z.object({ runId: z.string(), writer: z.number(), seq: z.number() });
const Written = z.looseObject({ succeeded: z.literal(true) });

/**
 * Stays with a member as long as it answers and goes on to the next one when it does not, as an application with a
 * list of endpoints does. Any member takes writes, so that it is not tied to the leader.
 */
function createProbeClient(
  client: EtcdClient,
  cluster: ClusterSpec,
  name: string,
  start: number,
): ProbeClient {
  const { nodes } = cluster;
  const cursor = { writing: start, reading: start };
  const nodeAt = (index: number): NodeId => {
    const node = nodes[index % nodes.length];
    if (!node) throw new RangeError(`the cluster of the probe ${name} has no nodes`);
    return node.id;
  };
  return {
    async write(key, timeoutMs): Promise<WriteOutcome> {
      const end = Date.now() + timeoutMs;
      const reasons: string[] = [];
      const body = writeOf(cluster, key);
      // What was never sent may go to the next member; what was sent may not, whatever came of it.
      for (let attempt = 0; attempt < nodes.length; attempt++) {
        const node = nodeAt(cursor.writing);
        try {
          const left = Math.max(1, end - Date.now());
          await client.post(cluster, node, '/v3/kv/txn', body, Written, { timeoutMs: left });
          return { kind: 'acknowledged' };
        } catch (error) {
          cursor.writing++;
          const reason = `${node}: ${messageOf(error)}`;
          if (wasRefused(error)) return { kind: 'refused', reason };
          if (!wasNeverSent(error)) return { kind: 'unknown', reason };
          reasons.push(reason);
        }
      }
      return { kind: 'refused', reason: reasons.join('; ') };
    },

    async read(timeoutMs, register) {
      const node = nodeAt(cursor.reading);
      const key = registerKey(cluster, register);
      try {
        const { kvs } = await range(client, cluster, node, { key }, { timeoutMs });
        const [kv] = kvs;
        return kv ? Register.parse(JSON.parse(kv.value)) : undefined;
      } catch (error) {
        cursor.reading++;
        throw error;
      }
    },

    close: () => client.close(),
  };
}

/** One transaction, so that ledger and register are there both or not at all. */
function writeOf(cluster: ClusterSpec, key: ProbeKey): object {
  const put = (name: string, value: string): object => ({
    request_put: { key: encode(name), value: encode(value) },
  });
  return {
    success: [
      put(`${ledgerPrefix(cluster, key.runId)}${key.writer}/${key.seq}`, ''),
      put(registerKey(cluster, key.writer % registers), JSON.stringify(key)),
    ],
  };
}
