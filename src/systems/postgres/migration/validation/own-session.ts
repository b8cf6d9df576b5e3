import { Client } from 'pg';
import { messageOf, nodeSpec, RollgateError, type ClusterSpec } from '../../../../contracts/index.js';
import { applicationName, type Sessions } from '../../connection.js';
import { endSession, keepalives } from '../../silence.js';

/** A session for a transaction that goes on over several statements; whoever opens it ends it. */
export interface OwnSession {
  readonly client: Client;
  /** The SQLSTATE with which the server has ended it between two statements, if it has. */
  endedBy(): string | undefined;
  /** Whatever it has locked is free when this returns or, when it hangs, by the server's own timeouts. */
  end(): Promise<void>;
}

/** A server that vanishes without a word must not be waited for longer than this, ms. */
const answerMs = 15_000;

/**
 * @param bounds settings of the session, by which the server ends it when we do not; those it does not know are left out
 * @throws SYSTEM_UNREACHABLE
 */
export async function openSession(
  sessions: Sessions,
  cluster: ClusterSpec,
  node: string,
  bounds: Readonly<Record<string, string>>,
): Promise<OwnSession> {
  const config = await sessions.config(cluster, nodeSpec(cluster, node), `${applicationName} cut`);
  const client = new Client({ ...config, query_timeout: answerMs });
  // The server may end it by those timeouts between two statements; the next one fails then and says so.
  let endedBy: string | undefined;
  client.on('error', (error: Error & { code?: string }) => {
    endedBy ??= error.code;
  });
  try {
    await client.connect();
    await client.query(
      `SELECT set_config(b.name, b.value, false) FROM json_each_text($1) AS b (name, value)
         JOIN pg_settings s ON s.name = b.name`,
      [JSON.stringify({ ...keepalives, ...bounds })],
    );
  } catch (error) {
    await endSession(client);
    throw new RollgateError(
      'SYSTEM_UNREACHABLE',
      `no session on ${node} for a cut: ${messageOf(error)}`,
      `Check that ${node} runs and has connections left.`,
      { cause: error },
    );
  }
  return { client, endedBy: () => endedBy, end: () => endSession(client) };
}
