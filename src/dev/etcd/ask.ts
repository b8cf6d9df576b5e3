import { z } from 'zod';
import { decode, encode, Flag, get, Id, Int, post, Text } from './gateway.js';

/** What one member says of itself; `undefined` where its version does not say it. */
export interface EtcdStatus {
  readonly memberId: string;
  /** The id of the member that it takes for the leader; `0`: it knows of none. */
  readonly leaderId: string;
  readonly isLeader: boolean;
  readonly isLearner: boolean;
  readonly term: number;
  readonly raftIndex: number;
  readonly appliedIndex: number;
  /** Of the server, e.g. `3.5.35`. */
  readonly version: string;
  /** What the cluster has agreed on, e.g. `3.5.0`; `not_decided` at first. */
  readonly clusterVersion: string;
  /** From 3.6 on. */
  readonly storageVersion: string | undefined;
  /** From 3.6 on. */
  readonly downgrade: { readonly enabled: boolean; readonly target: string } | undefined;
  /** Alarms, and that there is no leader, in etcd's words. */
  readonly errors: readonly string[];
}

export interface EtcdMember {
  readonly id: string;
  /** The node's id once the member has started; empty until then. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

const Status = z.looseObject({
  header: z.looseObject({ member_id: Id }),
  version: Text,
  leader: Id,
  raftIndex: Int,
  raftTerm: Int,
  raftAppliedIndex: Int,
  errors: z.array(z.string()).default([]),
  isLearner: Flag,
  storageVersion: z.string().optional(),
  downgradeInfo: z.looseObject({ enabled: Flag, targetVersion: Text }).optional(),
});
const Version = z.looseObject({ etcdcluster: z.string() });
const Members = z.looseObject({
  members: z.array(
    z.looseObject({
      ID: Id,
      name: Text,
      peerURLs: z.array(z.string()).default([]),
      clientURLs: z.array(z.string()).default([]),
      isLearner: Flag,
    }),
  ),
});
const Range = z.looseObject({ kvs: z.array(z.looseObject({ value: Text })).default([]), count: Int });
const Written = z.looseObject({ header: z.looseObject({ revision: Int }) });
const Health = z.looseObject({ health: z.string() });

export async function isHealthy(address: string): Promise<boolean> {
  return Health.parse(JSON.parse(await get(address, '/health'))).health === 'true';
}

export async function statusOf(address: string, timeoutMs?: number): Promise<EtcdStatus> {
  const said = await post(address, '/v3/maintenance/status', {}, Status, timeoutMs);
  const { etcdcluster } = Version.parse(JSON.parse(await get(address, '/version', timeoutMs)));
  const info = said.downgradeInfo;
  return {
    memberId: said.header.member_id,
    leaderId: said.leader,
    isLeader: said.leader === said.header.member_id,
    isLearner: said.isLearner,
    term: said.raftTerm,
    raftIndex: said.raftIndex,
    appliedIndex: said.raftAppliedIndex,
    version: said.version,
    clusterVersion: etcdcluster,
    storageVersion: said.storageVersion === '' ? undefined : said.storageVersion,
    downgrade: info && { enabled: info.enabled, target: info.targetVersion },
    errors: said.errors,
  };
}

/** The list as this member has it, without asking the others. */
export async function membersAt(address: string, timeoutMs?: number): Promise<readonly EtcdMember[]> {
  const { members } = await post(address, '/v3/cluster/member/list', {}, Members, timeoutMs);
  return members.map(({ ID, name, peerURLs, clientURLs, isLearner }) => ({
    id: ID,
    name,
    peerUrls: peerURLs,
    clientUrls: clientURLs,
    isLearner,
  }));
}

/** @returns the revision of the write */
export async function putAt(address: string, key: string, value: string): Promise<number> {
  const body = { key: encode(key), value: encode(value) };
  return (await post(address, '/v3/kv/put', body, Written)).header.revision;
}

/** @param local read what this member itself has, instead of asking the quorum */
export async function getAt(address: string, key: string, local: boolean): Promise<string | undefined> {
  const { kvs } = await post(address, '/v3/kv/range', { key: encode(key), serializable: local }, Range);
  return kvs[0] && decode(kvs[0].value);
}

/** How many keys below `prefix` this member itself has. */
export async function countAt(address: string, prefix: string, timeoutMs?: number): Promise<number> {
  const end = Buffer.from(prefix);
  // The first key after all that begin with the prefix; a prefix here is plain text, which never ends in 0xff.
  end.writeUInt8(end.readUInt8(end.length - 1) + 1, end.length - 1);
  const body = {
    ...{ key: encode(prefix), range_end: end.toString('base64') },
    ...{ count_only: true, serializable: true },
  };
  return (await post(address, '/v3/kv/range', body, Range, timeoutMs)).count;
}
