import { nodeSpec, RollgateError, type ClusterSpec } from '../../../contracts/index.js';

/**
 * The server behind the node's address holds the data that we are about to act on, by its system identifier.
 * @throws IDENTITY_CHANGED
 */
export function requireIdentity(
  cluster: ClusterSpec,
  node: { readonly id: string; readonly identity: string },
  expected: { readonly identity: string; readonly source: string },
): void {
  if (node.identity === expected.identity) return;
  const { address } = nodeSpec(cluster, node.id);
  throw new RollgateError(
    'IDENTITY_CHANGED',
    `the server at ${address} (${node.id}) has the system identifier ${node.identity}, ${expected.source} has ${expected.identity}`,
    `Nothing was changed. Correct the address or the data directory of ${node.id} in the cluster file, then start again.`,
  );
}
