import { Client } from 'pg';
import { messageOf, nodeSpec, RollgateError } from '../../../../contracts/index.js';
import type { Sessions } from '../../connection.js';
import { endSession } from '../../silence.js';
import type { Located } from '../stream/located.js';

/** A session opened before the fence, because opening one costs more than anything that is done in it. */
export interface FenceSession {
  readonly client: Client;
  end(): Promise<void>;
}

/** Its application_name, by which the fence tells its own sessions from others. */
export const fenceSessionName = 'rollgate fence';

/** @throws SYSTEM_UNREACHABLE */
export async function openSession(
  sessions: Sessions,
  at: Located,
  options: { name?: string; statementTimeoutMs?: number },
): Promise<FenceSession> {
  const { name = fenceSessionName, statementTimeoutMs } = options;
  const client = new Client({
    ...(await sessions.config(at.cluster, nodeSpec(at.cluster, at.node), name)),
    keepAlive: true,
    ...(statementTimeoutMs !== undefined && {
      statement_timeout: statementTimeoutMs,
      query_timeout: statementTimeoutMs + 1000,
    }),
  });
  // The next statement fails by it.
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    throw new RollgateError(
      'SYSTEM_UNREACHABLE',
      `no session on ${at.node}: ${messageOf(error)}`,
      `Check that ${at.node} runs and has a connection left; the call is repeated by itself.`,
      { cause: error },
    );
  }
  return { client, end: () => endSession(client) };
}
