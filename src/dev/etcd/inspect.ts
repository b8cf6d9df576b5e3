import { known, messageOf, unknown, type NodeId, type Observed } from '../../contracts/index.js';
import { EtcdSettings } from '../../systems/etcd/settings.js';
import { countAt, membersAt, statusOf } from './ask.js';
import { get } from './gateway.js';
import type { EtcdSampleCluster } from './sample-cluster.js';

/** What one node of a sample cluster says when it is asked directly. */
export type MemberFacts =
  | {
      readonly kind: 'answering';
      readonly node: NodeId;
      readonly version: string;
      readonly isLeader: boolean;
      readonly isLearner: boolean;
      readonly term: number;
      readonly clusterVersion: string;
      /** Unknown before 3.6; follows the cluster version with a delay. */
      readonly storageVersion: Observed<string>;
      /** Entries of the member list that this node has. */
      readonly members: number;
      readonly learners: number;
      /** Members that were added and have never joined. */
      readonly unstarted: number;
      readonly alarms: readonly string[];
      readonly downgrade: Observed<boolean>;
      /** Keys of rollgate's own that this node has. */
      readonly scratchKeys: number;
    }
  | { readonly kind: 'silent'; readonly node: NodeId; readonly reason: string };

/** A node that is stopped with SIGSTOP takes the connection and never answers. */
const timeoutMs = 2000;

/** Ask every node of the cluster file, all at once, without rollgate; nothing is changed. */
export function inspectMembers({
  cluster,
}: Pick<EtcdSampleCluster, 'cluster'>): Promise<readonly MemberFacts[]> {
  const settings = EtcdSettings.parse(cluster.settings);
  return Promise.all(
    cluster.nodes.map(async ({ id, address }): Promise<MemberFacts> => {
      try {
        return await inspect(id, address, settings);
      } catch (error) {
        return { kind: 'silent', node: id, reason: messageOf(error) };
      }
    }),
  );
}

async function inspect(node: NodeId, address: string, settings: EtcdSettings): Promise<MemberFacts> {
  const status = await statusOf(address, timeoutMs);
  const list = await membersAt(address, timeoutMs);
  const { version, isLeader, isLearner, term, clusterVersion, storageVersion } = status;
  return {
    kind: 'answering',
    ...{ node, version, isLeader, isLearner, term, clusterVersion },
    storageVersion:
      storageVersion === undefined
        ? unknown(`${version} told no storage version: before 3.6 none does, and later ones not at once`)
        : known(storageVersion),
    members: list.length,
    learners: list.filter((member) => member.isLearner).length,
    unstarted: list.filter((member) => member.name === '').length,
    alarms: status.errors.filter((said) => said.includes('alarm:')),
    downgrade: status.downgrade
      ? known(status.downgrade.enabled)
      : await downgradeByPeer(settings.peers[node]),
    scratchKeys: await countAt(address, settings.scratchPrefix, timeoutMs),
  };
}

/** 3.5 tells it to its peers alone, and only while there is quorum. */
async function downgradeByPeer(peer: string | undefined): Promise<Observed<boolean>> {
  if (peer === undefined) return unknown('the settings name no peer address of this node');
  try {
    const answer = await get(peer, '/downgrade/enabled', timeoutMs);
    return answer === 'true' || answer === 'false'
      ? known(answer === 'true')
      : unknown(`its peer address answered ${answer.slice(0, 100)}`);
  } catch (error) {
    return unknown(messageOf(error));
  }
}
