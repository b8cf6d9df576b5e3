import { RollgateError, type ClusterSpec } from '../../../../contracts/index.js';
import type { Sessions, SessionOptions } from '../../connection.js';
import { onlyPrimary } from '../../primary.js';
import type { ClientBase } from 'pg';

/** Sessions on the primary of one side, as it was found at the beginning of a call. */
export interface Located {
  readonly cluster: ClusterSpec;
  /** The node that takes writes. */
  readonly node: string;
  on<T>(body: (client: ClientBase) => Promise<T>, options?: SessionOptions): Promise<T>;
}

/** @throws SYSTEM_UNREACHABLE unless exactly one node takes writes */
export async function locate(sessions: Sessions, cluster: ClusterSpec): Promise<Located> {
  const node = await onlyPrimary(sessions, cluster);
  return { cluster, node, on: (body, options) => sessions.on(cluster, node, body, options) };
}

/** The primary, or why there is none to be had. Every other error is raised. */
export async function locateIfThere(
  sessions: Sessions,
  cluster: ClusterSpec,
): Promise<Located | RollgateError> {
  try {
    return await locate(sessions, cluster);
  } catch (error) {
    if (error instanceof RollgateError && error.code === 'SYSTEM_UNREACHABLE') return error;
    throw error;
  }
}
