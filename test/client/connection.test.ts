import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import getPort from 'get-port';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connectTemporal, nativeConnectOptions } from '../../src/worker/connection.js';
import { temporalAddress } from './support/temporal.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rollgate-connection-'));
  for (const name of Object.keys(process.env)) if (name.startsWith('TEMPORAL_')) vi.stubEnv(name, undefined);
  // No file of the user's who runs the tests.
  vi.stubEnv('XDG_CONFIG_HOME', directory);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

describe('R-SAFE-1: Temporal by the standard environment configuration', () => {
  it('connects to TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE', async () => {
    vi.stubEnv('TEMPORAL_ADDRESS', temporalAddress());
    const first = await connectTemporal();
    expect(first.namespace).toBe('default');
    await first.connection.close();
    vi.stubEnv('TEMPORAL_NAMESPACE', 'payments');
    const second = await connectTemporal();
    expect(second.namespace).toBe('payments');
    await second.connection.close();
  });

  it('says within seconds that nobody answers, where, and what to do', async () => {
    const port = await getPort();
    vi.stubEnv('TEMPORAL_ADDRESS', `127.0.0.1:${port}`);
    const before = performance.now();
    await expect(connectTemporal()).rejects.toMatchObject({
      code: 'TEMPORAL_UNREACHABLE',
      message: expect.stringContaining(`127.0.0.1:${port}`) as string,
      remedy: expect.stringContaining('TEMPORAL_ADDRESS') as string,
    });
    expect(performance.now() - before).toBeLessThan(8000);
  });

  it('an API key turns TLS on and is in no error message', async () => {
    vi.stubEnv('TEMPORAL_ADDRESS', temporalAddress());
    vi.stubEnv('TEMPORAL_API_KEY', 'canary-api-key');
    expect(nativeConnectOptions()).toMatchObject({ apiKey: 'canary-api-key', tls: true });
    // The server of the tests speaks no TLS: had the key gone out in the clear, this would connect.
    const failure: unknown = await connectTemporal().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'TEMPORAL_UNREACHABLE' });
    expect(`${String(failure)} ${JSON.stringify(failure)}`).not.toContain('canary-api-key');
  });

  it('reads certificates for mTLS from the files that TEMPORAL_TLS_* name', () => {
    const at = (name: string): string => join(directory, name);
    for (const name of ['client.pem', 'client.key', 'ca.pem']) writeFileSync(at(name), name);
    vi.stubEnv('TEMPORAL_TLS_CLIENT_CERT_PATH', at('client.pem'));
    vi.stubEnv('TEMPORAL_TLS_CLIENT_KEY_PATH', at('client.key'));
    vi.stubEnv('TEMPORAL_TLS_SERVER_CA_CERT_PATH', at('ca.pem'));
    vi.stubEnv('TEMPORAL_TLS_SERVER_NAME', 'temporal.example');
    const { tls } = nativeConnectOptions();
    if (typeof tls !== 'object' || tls === null) throw new Error('TLS is not configured');
    expect(tls.serverNameOverride).toBe('temporal.example');
    expect(Buffer.from(tls.clientCertPair?.crt ?? []).toString()).toBe('client.pem');
    expect(Buffer.from(tls.clientCertPair?.key ?? []).toString()).toBe('client.key');
    expect(Buffer.from(tls.serverRootCACertificate ?? []).toString()).toBe('ca.pem');
  });

  it('reads a profile of a temporal.toml; the environment overrides it', () => {
    const file = join(directory, 'temporal.toml');
    writeFileSync(file, '[profile.prod]\naddress = "temporal.example:7233"\nnamespace = "ops"\n');
    vi.stubEnv('TEMPORAL_CONFIG_FILE', file);
    vi.stubEnv('TEMPORAL_PROFILE', 'prod');
    expect(nativeConnectOptions().address).toBe('temporal.example:7233');
    vi.stubEnv('TEMPORAL_ADDRESS', 'other.example:7233');
    expect(nativeConnectOptions().address).toBe('other.example:7233');
  });

  it('a configuration that cannot be read is a mistake of usage', async () => {
    const file = join(directory, 'temporal.toml');
    writeFileSync(file, 'this is no TOML');
    vi.stubEnv('TEMPORAL_CONFIG_FILE', file);
    await expect(connectTemporal()).rejects.toMatchObject({ code: 'USAGE', exitCode: 2 });
    vi.stubEnv('TEMPORAL_CONFIG_FILE', undefined);
    vi.stubEnv('TEMPORAL_TLS_CLIENT_CERT_PATH', join(directory, 'absent.pem'));
    expect(() => nativeConnectOptions()).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});
