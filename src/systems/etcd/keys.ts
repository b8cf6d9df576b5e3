import { z } from 'zod';
import type { ClusterSpec, NodeId } from '../../contracts/index.js';
import { decode, encode, settingsOf, type EtcdClient, type RequestOptions } from './client.js';

const Range = z.looseObject({
  kvs: z.array(z.looseObject({ key: z.string(), value: z.string().default('') })).default([]),
  more: z.boolean().default(false),
});

export interface KeyRange {
  readonly key: string;
  /** Exclusive; absent: this key alone. */
  readonly end?: string;
  readonly limit?: number;
  readonly keysOnly?: boolean;
  /** The member's own copy, which may be behind; else what a quorum confirms. */
  readonly serializable?: boolean;
}

export interface KeyPage {
  readonly kvs: readonly { readonly key: string; readonly value: string }[];
  /** There is more of it after the last key. */
  readonly more: boolean;
}

/** https://etcd.io/docs/v3.6/dev-guide/api_reference_v3/#message-rangerequest-apietcdserverpbrpcproto */
export async function range(
  client: EtcdClient,
  cluster: ClusterSpec,
  node: NodeId,
  { key, end, limit, keysOnly, serializable }: KeyRange,
  options?: RequestOptions,
): Promise<KeyPage> {
  const said = await client.post(
    cluster,
    node,
    '/v3/kv/range',
    {
      key: encode(key),
      ...(end === undefined ? {} : { range_end: encode(end) }),
      ...(limit === undefined ? {} : { limit }),
      keys_only: keysOnly === true,
      serializable: serializable === true,
    },
    Range,
    options,
  );
  return { kvs: said.kvs.map((kv) => ({ key: decode(kv.key), value: decode(kv.value) })), more: said.more };
}

/** The key by which we know that those below the prefix are ours; the last of them, so that it goes last. */
export const ownerKey = (cluster: ClusterSpec): string => `${settingsOf(cluster).scratchPrefix}~owner`;

/** The first key after all that begin with the prefix, which ends with a plain character. */
export const endOf = (prefix: string): string =>
  prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);

/** The first key after this one. */
export const after = (key: string): string => `${key}\0`;
