import { randomUUID } from 'node:crypto';
import type { ClusterSpec, LaunchSpec, NodeId } from '../../contracts/index.js';
import { launchAmong } from '../../systems/etcd/launch.js';

/**
 * How the members of a cluster that is not there yet are started for the first time:
 * https://etcd.io/docs/v3.6/op-guide/clustering/#static
 * @param members those that make the cluster; the rest of the cluster file is no part of it
 */
export function firstLaunch(cluster: ClusterSpec, members: readonly NodeId[]): (id: NodeId) => LaunchSpec {
  // Ports are used again by later clusters; the token keeps their members apart.
  const token = `--initial-cluster-token=${cluster.name}-${randomUUID()}`;
  return (id) => {
    const launch = launchAmong(cluster, id, members);
    const state = (arg: string) => arg.startsWith('--initial-cluster-state=');
    return {
      ...launch,
      args: [...launch.args.filter((arg) => !state(arg)), '--initial-cluster-state=new', token],
    };
  };
}
