import { Client, type ClientConfig } from 'pg';

/** A session of a plain script; when it is interrupted its connection is closed and what it waits for fails. */
export async function session<T>(
  config: ClientConfig,
  signal: AbortSignal,
  body: (client: Client) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const client = new Client({ ...config, application_name: 'bench' });
  // What is in progress fails as well, and says so.
  client.on('error', (error) => {
    if (!signal.aborted) console.error(`a session of the bench: ${error.message}`);
  });
  await client.connect();
  const end = (): void => void client.end();
  signal.addEventListener('abort', end);
  try {
    return await body(client);
  } finally {
    signal.removeEventListener('abort', end);
    await client.end();
  }
}
