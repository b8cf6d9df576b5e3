import { Client, type Connection } from '@temporalio/client';
import { connectTemporal } from '../worker/connection.js';

/** An open connection to Temporal, and where runs live in it. */
export interface Session {
  readonly client: Client;
  readonly connection: Connection;
  readonly namespace: string;
  readonly taskQueue: string;
}

export interface SessionSource {
  open(): Promise<Session>;
  /** Closes the connection if it was opened here; one that the caller gave stays open. */
  close(): Promise<void>;
}

/** Connects at first use, once; a connection that failed is tried anew by the next use. */
export function createSessionSource(options: {
  readonly connection?: Connection;
  readonly namespace?: string;
  readonly taskQueue: string;
}): SessionSource {
  const { taskQueue } = options;
  let opening: Promise<Session> | undefined;

  async function connect(): Promise<Session> {
    const given = options.connection;
    const { connection, namespace } = given
      ? { connection: given, namespace: 'default' }
      : await connectTemporal();
    const chosen = options.namespace ?? namespace;
    return {
      client: new Client({ connection, namespace: chosen }),
      connection,
      namespace: chosen,
      taskQueue,
    };
  }

  return {
    open: () => {
      opening ??= connect().catch((error: unknown) => {
        opening = undefined;
        throw error;
      });
      return opening;
    },
    close: async () => {
      const session = opening;
      opening = undefined;
      if (session && !options.connection) await (await session).connection.close();
    },
  };
}
