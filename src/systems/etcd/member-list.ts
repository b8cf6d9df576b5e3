import { z } from 'zod';
import type { ClusterSpec, Member, NodeId } from '../../contracts/index.js';
import { settingsOf, type EtcdClient, type RequestOptions } from './client.js';

const Members = z.looseObject({
  members: z.array(
    z.looseObject({
      ID: z.string().regex(/^\d+$/),
      name: z.string().default(''),
      peerURLs: z.array(z.string()).default([]),
      clientURLs: z.array(z.string()).default([]),
      isLearner: z.boolean().default(false),
    }),
  ),
});

export interface ListedMember extends Member {
  /** Empty until its process has joined. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
}

/**
 * The member list, asked of one voter and confirmed by a quorum (`linearizable`), so that it is never an old one:
 * https://etcd.io/docs/v3.6/dev-guide/api_reference_v3/#message-memberlistrequest-apietcdserverpbrpcproto
 */
export async function readMembers(
  client: EtcdClient,
  cluster: ClusterSpec,
  node: NodeId,
  options?: RequestOptions,
): Promise<readonly ListedMember[]> {
  const said = await client.post(
    cluster,
    node,
    '/v3/cluster/member/list',
    { linearizable: true },
    Members,
    options,
  );
  const { peers } = settingsOf(cluster);
  return said.members.map((m) => ({
    id: m.ID,
    node: nodeByPeer(cluster, peers, m.peerURLs),
    role: m.isLearner ? 'learner' : 'voter',
    started: m.name !== '',
    name: m.name,
    peerUrls: m.peerURLs,
    clientUrls: m.clientURLs,
  }));
}

/** A name can be given twice, a peer address cannot. */
function nodeByPeer(
  cluster: ClusterSpec,
  peers: Readonly<Record<NodeId, string>>,
  urls: readonly string[],
): NodeId | undefined {
  const addresses = urls.map((url) => url.replace(/^[a-z]+:\/\//, '').replace(/\/$/, ''));
  return cluster.nodes.find((n) => addresses.includes(peers[n.id] ?? ''))?.id;
}
