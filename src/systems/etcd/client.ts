import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';
import { z, type ZodType } from 'zod';
import {
  messageOf,
  nodeSpec,
  RollgateError,
  type ClusterSpec,
  type NodeId,
  type SecretResolver,
} from '../../contracts/index.js';
import { EtcdSettings } from './settings.js';

/**
 * etcd's documented gRPC gateway: JSON over HTTP on the client URL, https://etcd.io/docs/v3.6/dev-guide/api_grpc_gateway/.
 * The gateway rather than a gRPC client, because no client for Node follows etcd's releases, and the calls of
 * maintenance and membership (transfer of leadership, downgrade, promotion of learners) are missing in those there are.
 */
export interface EtcdClient {
  /**
   * @param path e.g. `/v3/kv/range`; keys and values of `body` are base64, see {@link encode}
   * @throws EtcdError what the member answered; RollgateError SYSTEM_UNREACHABLE when no answer came: a request
   *   that changes something may have been carried out then; RollgateError FORMAT_UNKNOWN
   */
  post<T>(
    cluster: ClusterSpec,
    node: NodeId,
    path: string,
    body: unknown,
    schema: ZodType<T>,
    options?: RequestOptions,
  ): Promise<T>;
  /** A document that is served beside the gateway, such as `/version`, `/health` and `/metrics`. */
  get(cluster: ClusterSpec, node: NodeId, path: string, options?: RequestOptions): Promise<string>;
  /** A call whose answer is a stream of JSON documents, one a line; each is `{ result }`. */
  stream<T>(
    cluster: ClusterSpec,
    node: NodeId,
    path: string,
    body: unknown,
    schema: ZodType<T>,
    options?: RequestOptions,
  ): AsyncIterable<T>;
  close(): Promise<void>;
}

export interface RequestOptions {
  /** Default: `requestTimeout` of the settings. For a stream: between two documents. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Ask here instead of at the node's own address, `host:port`. */
  readonly address?: string;
}

/** https://grpc.io/docs/guides/status-codes/ */
export const grpcCode = {
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  failedPrecondition: 9,
  outOfRange: 11,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** A member answered, and said no. */
export class EtcdError extends Error {
  override readonly name = 'EtcdError';
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

export const encode = (text: string): string => Buffer.from(text).toString('base64');
export const decode = (text: string): string => Buffer.from(text, 'base64').toString();

const Refusal = z.looseObject({
  code: z.number().optional(),
  message: z.string().optional(),
  error: z.union([z.string(), z.looseObject({ message: z.string() })]).optional(),
});
const Authenticated = z.looseObject({ token: z.string() });

export const settingsOf = (cluster: ClusterSpec): EtcdSettings => EtcdSettings.parse(cluster.settings);

export function createEtcdClient(secrets: SecretResolver): EtcdClient {
  const agents = new Map<string, Agent>();
  const tokens = new Map<string, string>();

  const agentOf = ({ tls }: EtcdSettings): Agent => {
    const name = JSON.stringify(tls ?? null);
    const agent =
      agents.get(name) ??
      new Agent({
        keepAliveTimeout: 5000,
        connect: tls
          ? { ca: pem(tls.ca), cert: pem(tls.cert), key: pem(tls.key), timeout: 2000 }
          : { timeout: 2000 },
      });
    agents.set(name, agent);
    return agent;
  };

  const send = async (
    cluster: ClusterSpec,
    node: NodeId,
    path: string,
    body: unknown,
    options: RequestOptions,
  ) => {
    const settings = settingsOf(cluster);
    const address = options.address ?? nodeSpec(cluster, node).address;
    const timeout = options.timeoutMs ?? settings.requestTimeout;
    const token = tokens.get(cluster.name);
    try {
      return await request(`${settings.tls ? 'https' : 'http'}://${address}${path}`, {
        dispatcher: agentOf(settings),
        method: body === undefined ? 'GET' : 'POST',
        body: body === undefined ? null : JSON.stringify(body),
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(token === undefined ? {} : { authorization: token }),
        },
        headersTimeout: timeout,
        bodyTimeout: timeout,
        signal: AbortSignal.any([
          AbortSignal.timeout(path.endsWith('/snapshot') ? 3_600_000 : timeout),
          ...(options.signal ? [options.signal] : []),
        ]),
      });
    } catch (error) {
      options.signal?.throwIfAborted();
      throw unreachable(node, address, error);
    }
  };

  const authenticate = async (cluster: ClusterSpec, node: NodeId, options: RequestOptions): Promise<void> => {
    const { user, password } = settingsOf(cluster);
    if (user === undefined || password === undefined || tokens.has(cluster.name)) return;
    const body = { name: user, password: await secrets.resolve(password) };
    const answer = await send(cluster, node, '/v3/auth/authenticate', body, options);
    const { token } = parseAnswer(await read(answer, node), Authenticated, node, '/v3/auth/authenticate');
    tokens.set(cluster.name, token);
  };

  return {
    async post(cluster, node, path, body, schema, options = {}) {
      for (let attempt = 0; ; attempt++) {
        await authenticate(cluster, node, options);
        try {
          const answer = await send(cluster, node, path, body, options);
          return parseAnswer(await read(answer, node), schema, node, path);
        } catch (error) {
          // A token ends with time, or with the member that gave it.
          const stale =
            error instanceof EtcdError &&
            (error.code === grpcCode.unauthenticated || error.message === oldAuthRevision);
          if (!stale || attempt > 0 || !tokens.delete(cluster.name)) throw error;
        }
      }
    },

    async get(cluster, node, path, options = {}) {
      return read(await send(cluster, node, path, undefined, options), node);
    },

    async *stream(cluster, node, path, body, schema, options = {}) {
      await authenticate(cluster, node, options);
      const answer = await send(cluster, node, path, body, options);
      if (answer.statusCode !== 200) throw refusal(await answer.body.text(), answer.statusCode);
      let rest = '';
      for await (const chunk of answer.body) {
        const lines = (rest + String(chunk)).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) if (line !== '') yield documentOf(line, schema);
      }
      if (rest.trim() !== '') yield documentOf(rest, schema);
    },

    async close() {
      await Promise.all([...agents.values()].map((agent) => agent.close()));
    },
  };
}

/** A token of before users or roles were changed, https://github.com/etcd-io/etcd/blob/main/api/v3rpc/rpctypes/error.go */
const oldAuthRevision = 'etcdserver: revision of auth store is old';

/** @throws RollgateError FORMAT_UNKNOWN */
function parseAnswer<T>(text: string, schema: ZodType<T>, node: NodeId, path: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new RollgateError(
      'FORMAT_UNKNOWN',
      `${node} answered ${path} with what is no answer of etcd: ${text.slice(0, 200)}`,
      `See that the address of ${node} is the client URL of an etcd member of a version that this release knows.`,
      { cause: error },
    );
  }
}

const pem = (path: string | undefined): Buffer | undefined =>
  path === undefined ? undefined : readFileSync(path);

async function read(
  answer: { statusCode: number; body: { text(): Promise<string> } },
  node: NodeId,
): Promise<string> {
  let text: string;
  try {
    text = await answer.body.text();
  } catch (error) {
    throw unreachable(node, 'the middle of its answer', error);
  }
  if (answer.statusCode !== 200) throw refusal(text, answer.statusCode);
  return text;
}

function refusal(text: string, status: number): EtcdError {
  try {
    const { code, message, error } = Refusal.parse(JSON.parse(text));
    const said = message ?? (typeof error === 'string' ? error : error?.message);
    return new EtcdError(code ?? grpcCode.unknown, said ?? `HTTP ${status}`);
  } catch {
    return new EtcdError(grpcCode.unknown, `HTTP ${status}: ${text.slice(0, 200)}`);
  }
}

function documentOf<T>(line: string, schema: ZodType<T>): T {
  const parsed = z
    .looseObject({ result: z.unknown(), error: z.unknown().optional() })
    .parse(JSON.parse(line));
  if (parsed.error !== undefined) throw refusal(JSON.stringify({ error: parsed.error }), 200);
  return schema.parse(parsed.result);
}

const unreachable = (node: NodeId, where: string, error: unknown): RollgateError =>
  new RollgateError(
    'SYSTEM_UNREACHABLE',
    `${node} (${where}) did not answer: ${messageOf(error)}`,
    `Make ${node} reachable from the worker, then retry.`,
    { cause: error },
  );
