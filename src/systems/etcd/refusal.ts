import { RollgateError, type NodeId } from '../../contracts/index.js';
import { EtcdError, grpcCode } from './client.js';

/** Codes by which a member says that it could not do it now: https://grpc.io/docs/guides/status-codes/ */
const passing: readonly number[] = [grpcCode.deadlineExceeded, grpcCode.unavailable];

/** Codes by which a member says that this user may not. */
const forbidden: readonly number[] = [grpcCode.permissionDenied, grpcCode.unauthenticated];

/** etcd's answers as errors of the catalogue, in etcd's own words; anything else stays what it is. */
export function asRollgateError(error: unknown, node: NodeId, doing: string, remedy: string): unknown {
  if (!(error instanceof EtcdError)) return error;
  if (passing.includes(error.code)) {
    return new RollgateError(
      'SYSTEM_UNREACHABLE',
      `${node} could not ${doing}: ${error.message}`,
      'See that the cluster has a leader and a quorum, then retry.',
      { cause: error },
    );
  }
  return new RollgateError(
    'SYSTEM_REFUSED',
    `${node} refused to ${doing}: ${error.message}`,
    isAuthRefusal(error) ? authRemedy : remedy,
    { cause: error },
  );
}

/**
 * For what goes on when a node is silent or cannot now, and only then.
 * @returns the error as SYSTEM_UNREACHABLE
 * @throws when the node said anything else, or the caller has been cancelled
 */
export function requireNoAnswer(
  error: unknown,
  node: NodeId,
  doing: string,
  signal: AbortSignal,
): RollgateError {
  signal.throwIfAborted();
  const known = asRollgateError(error, node, doing, `See the log of ${node}, then retry.`);
  if (!(known instanceof RollgateError) || known.code !== 'SYSTEM_UNREACHABLE') throw known;
  return known;
}

export const authRemedy =
  'Set spec.settings.user and password to a user with the role root: maintenance and membership calls need it.';

/** https://github.com/etcd-io/etcd/blob/main/api/v3rpc/rpctypes/error.go */
export const isAuthRefusal = (error: unknown): boolean =>
  error instanceof EtcdError &&
  (forbidden.includes(error.code) ||
    /^etcdserver: (user name is empty|authentication failed|revision of auth store is old)/.test(
      error.message,
    ));
