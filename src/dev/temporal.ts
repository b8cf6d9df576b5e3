import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../contracts/index.js';
import { freePort } from './free-port.js';
import { untilAnswering } from './temporal/answering.js';
import { cacheDirectory, findTemporal } from './temporal/binary.js';
import { logEnd, runServer } from './temporal/server-process.js';

/**
 * A development server has one history shard, which reads its queue of tasks at most 20 times a second: after a
 * short burst every activity and every workflow task would wait 45 ms. With this one each starts within 2 ms.
 */
const unthrottled = { 'history.transferProcessorMaxPollRPS': '1000' };

export interface TemporalOptions {
  /** Serve the Temporal UI as well; default no. */
  readonly ui?: boolean;
  /** Is told what happens where it takes long: one line each. */
  readonly onProgress?: (line: string) => void;
  /** Keep everything in this SQLite file, so that a new start with the same file goes on; default in memory. */
  readonly dbFile?: string;
  /** Default: a free one. */
  readonly port?: number;
  readonly uiPort?: number;
  /** Dynamic configuration of the server: name → value, as JSON. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Go on when this process ends; default no. `stop()` ends it in both cases. */
  readonly outlive?: boolean;
}

export interface TemporalServer {
  /** `host:port` of its gRPC service. */
  readonly address: string;
  readonly namespace: string;
  readonly uiUrl?: string;
  /** `undefined` when it was not started by us. */
  readonly pid?: number;
  /** The program that was started; `undefined` when nothing was. */
  readonly binary?: string;
  /** End the server if we have started it. */
  stop(): Promise<void>;
}

/**
 * A Temporal server for a laptop: the one that `TEMPORAL_ADDRESS` (and `TEMPORAL_NAMESPACE`) names, otherwise a
 * development server of our own on 127.0.0.1. Returns when it answers.
 *
 * To try its crash: end `pid` by SIGKILL, then start it again with the same `port` and `dbFile`.
 *
 * @throws Error when there is no server and no way to get one, naming what was tried; or when it does not answer
 */
export async function startTemporal(options: TemporalOptions = {}): Promise<TemporalServer> {
  const given = process.env['TEMPORAL_ADDRESS'];
  if (given !== undefined && given !== '') {
    const server = { address: given, namespace: process.env['TEMPORAL_NAMESPACE'] ?? 'default' };
    await untilAnswering(server, 20_000, () => undefined);
    return { ...server, stop: () => Promise.resolve() };
  }

  const binary = await findTemporal(options.onProgress ?? (() => undefined));
  const port = options.port ?? (await freePort());
  const uiPort = options.ui === true ? (options.uiPort ?? (await freePort())) : undefined;
  const server = { address: `127.0.0.1:${port}`, namespace: 'default' };
  await mkdir(cacheDirectory(), { recursive: true });
  const log = join(cacheDirectory(), `temporal-${port}.log`);
  const started = await runServer(
    binary,
    [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'error'],
      ...(uiPort === undefined ? ['--headless'] : ['--ui-port', String(uiPort)]),
      ...(options.dbFile === undefined ? [] : ['--db-filename', options.dbFile]),
      ...Object.entries({ ...unthrottled, ...options.settings }).flatMap(([name, value]) => [
        '--dynamic-config-value',
        `${name}=${value}`,
      ]),
    ],
    { log, outlive: options.outlive ?? false },
  );
  try {
    await untilAnswering(server, 60_000, () => {
      const end = started.end();
      return end === undefined ? undefined : `${binary} ended while it was started: ${end}`;
    });
  } catch (error) {
    const said = await logEnd(log);
    await started.stop();
    throw new Error(`the Temporal server did not start (${messageOf(error)}); the end of its log:\n${said}`, {
      cause: error,
    });
  }
  return {
    ...server,
    ...(uiPort !== undefined && { uiUrl: `http://127.0.0.1:${uiPort}` }),
    pid: started.pid,
    binary,
    stop: () => started.stop(),
  };
}
