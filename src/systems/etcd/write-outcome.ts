import { RollgateError } from '../../contracts/index.js';
import { EtcdError } from './client.js';

/**
 * Answers by which a member says that a write was not and will not be applied: made before the proposal, or by every
 * member alike when the entry is applied. All others, "request timed out", "leader changed" and "server stopped"
 * among them, may come after the write has been committed. In the words of
 * https://github.com/etcd-io/etcd/blob/main/api/v3rpc/rpctypes/error.go, and of raft for a proposal that the leader
 * drops while it hands over.
 */
const refusals: ReadonlySet<string> = new Set([
  'etcdserver: mvcc: database space exceeded',
  'etcdserver: too many requests',
  'etcdserver: request is too large',
  'etcdserver: rpc not supported for learner',
  'etcdserver: permission denied',
  'etcdserver: invalid auth token',
  'etcdserver: user name is empty',
  'etcdserver: authentication failed, invalid user ID or password',
  'raft proposal dropped',
]);

export const wasRefused = (error: unknown): boolean =>
  error instanceof EtcdError && refusals.has(error.message);

const connecting = new Set(['connect', 'getaddrinfo']);
const connectCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
]);

/** Whether the connection itself failed, so that nothing of the request has left us. */
export function wasNeverSent(error: unknown): boolean {
  if (error instanceof RollgateError) return error.code === 'SYSTEM_UNREACHABLE' && wasNeverSent(error.cause);
  // One error for each address of the host.
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(wasNeverSent);
  if (!(error instanceof Error) || !('code' in error)) return false;
  if (error.code === 'UND_ERR_CONNECT_TIMEOUT') return true;
  return (
    'syscall' in error &&
    typeof error.syscall === 'string' &&
    connecting.has(error.syscall) &&
    typeof error.code === 'string' &&
    connectCodes.has(error.code)
  );
}
