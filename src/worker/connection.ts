import { Connection, isGrpcServiceError } from '@temporalio/client';
import { loadClientConnectConfig, type ClientConnectConfig } from '@temporalio/envconfig';
import type { NativeConnectionOptions } from '@temporalio/worker';
import { messageOf, RollgateError } from '../contracts/index.js';

/** Long enough for TLS across a continent, short enough that nobody wonders whether it hangs. */
const connectTimeoutMs = 5000;

/** What the SDK connects to when nothing is configured. */
const defaultAddress = 'localhost:7233';

export interface TemporalConnection {
  readonly connection: Connection;
  readonly namespace: string;
}

/**
 * Connect to Temporal by the SDK's standard environment configuration: `TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`,
 * `TEMPORAL_API_KEY`, `TEMPORAL_TLS_*`, and profiles of a `temporal.toml` (`TEMPORAL_CONFIG_FILE`,
 * `TEMPORAL_PROFILE`), as https://docs.temporal.io/develop/environment-configuration describes it. An API key
 * alone turns TLS on.
 *
 * The caller closes the connection.
 *
 * @throws RollgateError `TEMPORAL_UNREACHABLE` when the server has not answered within 5 s; `USAGE` when the
 *   configuration cannot be read
 */
export async function connectTemporal(): Promise<TemporalConnection> {
  const { connectionOptions, namespace } = environmentConfig();
  const { address, apiKey, tls, metadata } = connectionOptions;
  const connection = openLazily({
    ...(address === undefined ? {} : { address }),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(metadata === undefined ? {} : { metadata }),
    tls,
    connectTimeout: connectTimeoutMs,
  });
  try {
    await connection.ensureConnected();
  } catch (error) {
    await connection.close();
    throw unreachable(address ?? defaultAddress, error);
  }
  return { connection, namespace: namespace ?? 'default' };
}

/**
 * The same configuration for the worker's native connection.
 *
 * @throws RollgateError `USAGE` when the configuration cannot be read
 */
export function nativeConnectOptions(): NativeConnectionOptions {
  return environmentConfig().connectionOptions;
}

/** The address that {@link connectTemporal} uses, for messages. */
export const temporalAddress = (): string => environmentConfig().connectionOptions.address ?? defaultAddress;

function environmentConfig(): ClientConnectConfig {
  try {
    return loadClientConnectConfig();
  } catch (error) {
    throw badConfiguration(error);
  }
}

function openLazily(options: Parameters<typeof Connection.lazy>[0]): Connection {
  try {
    return Connection.lazy(options);
  } catch (error) {
    throw badConfiguration(error);
  }
}

const badConfiguration = (error: unknown): RollgateError =>
  new RollgateError(
    'USAGE',
    `the Temporal configuration cannot be used: ${messageOf(error)}`,
    'Correct the TEMPORAL_* variables, or the file and profile that TEMPORAL_CONFIG_FILE and TEMPORAL_PROFILE name.',
    { cause: error },
  );

/** gRPC status codes of a server that answers, but not to us. */
const refusals: Readonly<Record<number, string>> = { 7: 'permission denied', 16: 'not authenticated' };

function unreachable(address: string, error: unknown): RollgateError {
  const grpc = grpcErrorIn(error);
  const refusal = grpc && refusals[grpc.code];
  if (refusal !== undefined) {
    return new RollgateError(
      'TEMPORAL_UNREACHABLE',
      `the Temporal server at ${address} refused the connection: ${refusal}`,
      'Set TEMPORAL_API_KEY, or TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH, for this server.',
      { cause: error },
    );
  }
  return new RollgateError(
    'TEMPORAL_UNREACHABLE',
    `no Temporal server answered at ${address} within ${connectTimeoutMs / 1000} s: ${grpc?.details ?? messageOf(error)}`,
    'Start it, or set TEMPORAL_ADDRESS (and TEMPORAL_TLS or TEMPORAL_API_KEY where the server wants them).',
    { cause: error },
  );
}

function grpcErrorIn(error: unknown): { code: number; details: string } | undefined {
  if (isGrpcServiceError(error)) return error;
  return error instanceof Error && error.cause !== undefined ? grpcErrorIn(error.cause) : undefined;
}
