import {
  nodeSpec,
  RollgateError,
  type ClusterSpec,
  type LaunchSpec,
  type NodeId,
} from '../../contracts/index.js';
import { DataDirectory } from '../data-directory.js';
import { settingsOf } from './client.js';
import type { EtcdSettings } from './settings.js';

/**
 * How an existing member runs, https://etcd.io/docs/v3.6/op-guide/configuration/. The cluster state is always
 * `existing`: a member whose directory is empty by accident must not found a cluster of its own.
 *
 * etcd ends by SIGTERM: it takes no new requests and gives those under way time to finish (`Close` and
 * `stopServers` in https://github.com/etcd-io/etcd/blob/main/server/embed/etcd.go).
 *
 * @throws SPEC_INVALID when the peer address or the data directory of the node is not told
 */
export function launch(cluster: ClusterSpec, node: NodeId): LaunchSpec {
  return launchAmong(
    cluster,
    node,
    cluster.nodes.map((n) => n.id),
  );
}

/**
 * As {@link launch}, with `members` alone as the initial cluster: a member that joins on an empty directory must
 * name exactly those that are in the list, https://etcd.io/docs/v3.6/op-guide/runtime-configuration/.
 */
export function launchAmong(cluster: ClusterSpec, node: NodeId, members: readonly NodeId[]): LaunchSpec {
  const settings = settingsOf(cluster);
  const { address, host } = nodeSpec(cluster, node);
  const directory = DataDirectory.parse(host);
  if (directory === undefined) {
    throw new RollgateError(
      'SPEC_INVALID',
      `the host of ${node} does not say where its data directory is`,
      'Set host.directory or host.dataDir of the node.',
    );
  }
  const clientScheme = settings.tls ? 'https' : 'http';
  const peers = members.map((id) => `${id}=${peerUrl(settings, id)}`);
  return {
    executable: 'etcd',
    args: [
      // What etcd binds to may be told otherwise by `args`; who the member is may not: the last one counts.
      `--listen-client-urls=${clientScheme}://${bindable(address)}`,
      `--listen-peer-urls=${settings.peerTls ? 'https' : 'http'}://${bindable(peerAddress(settings, node))}`,
      ...settings.args,
      `--name=${node}`,
      `--data-dir=${directory}`,
      `--advertise-client-urls=${clientScheme}://${address}`,
      `--initial-advertise-peer-urls=${peerUrl(settings, node)}`,
      `--initial-cluster=${peers.join(',')}`,
      '--initial-cluster-state=existing',
    ],
    env: {},
    stopSignal: 'SIGTERM',
  };
}

/** @throws SPEC_INVALID */
export const peerUrl = (settings: EtcdSettings, node: NodeId): string =>
  `${settings.peerTls ? 'https' : 'http'}://${peerAddress(settings, node)}`;

function peerAddress(settings: EtcdSettings, node: NodeId): string {
  const address = settings.peers[node];
  if (address !== undefined) return address;
  throw new RollgateError(
    'SPEC_INVALID',
    `spec.settings.peers does not say the peer address of ${node}`,
    `Add "${node}: host:port" to spec.settings.peers, as the member list has it (etcdctl member list).`,
  );
}

/** etcd binds to IP addresses and localhost only, so a name means every interface. */
function bindable(address: string): string {
  const host = address.slice(0, address.lastIndexOf(':'));
  const isAddress = host === 'localhost' || host.startsWith('[') || /^[\d.]+$/.test(host);
  return isAddress ? address : `0.0.0.0${address.slice(address.lastIndexOf(':'))}`;
}
