import type { Client } from 'pg';

/** How long a server may take to a goodbye, ms. */
const goodbyeMs = 1000;

/**
 * End a session, also one whose server has fallen silent: a goodbye that is not answered would be waited for until the
 * operating system gives the connection up, which takes a quarter of an hour or longer.
 * https://man7.org/linux/man-pages/man7/tcp.7.html (tcp_retries2)
 */
export async function endSession(client: Client): Promise<void> {
  const timer = setTimeout(() => client.connection.stream.destroy(), goodbyeMs);
  try {
    await client.end();
  } finally {
    clearTimeout(timer);
  }
}

/**
 * By which a server finds out that its client is gone though nobody has told it: otherwise it keeps what a session has
 * locked, or sees, for hours. https://www.postgresql.org/docs/17/runtime-config-connection.html#RUNTIME-CONFIG-TCP-SETTINGS
 */
export const keepalives: Readonly<Record<string, string>> = {
  tcp_keepalives_idle: '10',
  tcp_keepalives_interval: '5',
  tcp_keepalives_count: '3',
};

/**
 * Whether the server did not answer within the time that its client gives it. The statement may be under way still and
 * its session stands where nobody knows: it is of no more use, not even for a ROLLBACK.
 */
export const isSilence = (error: unknown): boolean =>
  error instanceof Error && error.message === 'Query read timeout';
