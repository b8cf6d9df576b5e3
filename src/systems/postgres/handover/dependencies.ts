import type { ClusterSpec, Host, LaunchSpec, NodeSpec } from '../../../contracts/index.js';
import type { Sessions } from '../connection.js';

export interface HandoverDependencies {
  readonly sessions: Sessions;
  readonly host: (node: NodeSpec) => Host;
  readonly launch: (cluster: ClusterSpec, node: string) => LaunchSpec;
}
