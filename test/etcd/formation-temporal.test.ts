import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { freePort } from '../../src/dev/free-port.js';
import { runEtcdScenario } from '../../src/dev/scenario/etcd.js';
import { startTemporal, type TemporalServer } from '../../src/dev/temporal.js';
import { connectTemporal } from '../../src/worker/connection.js';
import { registerSearchAttributes } from '../../src/worker/search-attributes.js';
import { expectBefore, withData } from './support/data.js';
import { expectMembers, expectProof, starts } from './support/proof.js';

const three = ['etcd-1', 'etcd-2', 'etcd-3'];
const down = 20_000;

it('R-SAGA-1: Temporal is down for 20 s after the seed is up, and the run goes on', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'rollgate-temporal-'));
  const options = { port: await freePort(), dbFile: join(directory, 'temporal.db') };
  // A server of this test's own: the one of the whole test run must not die.
  vi.stubEnv('TEMPORAL_ADDRESS', undefined);
  let server: TemporalServer = await startTemporal(options);
  let killedAt = 0;
  try {
    const { address } = server;
    vi.stubEnv('TEMPORAL_ADDRESS', address);
    const { connection, namespace } = await connectTemporal();
    await registerSearchAttributes(connection, namespace);
    await connection.close();
    const result = await runEtcdScenario({
      formation: {},
      before: withData,
      during: async ({ until }) => {
        await until('the seed serves', (s) => s.formation?.checkpoint === 'serving');
        if (server.pid === undefined) throw new Error('the Temporal server is not ours');
        process.kill(server.pid, 'SIGKILL');
        killedAt = Date.now();
        await delay(down);
        vi.stubEnv('TEMPORAL_ADDRESS', undefined);
        server = await startTemporal(options);
        vi.stubEnv('TEMPORAL_ADDRESS', address);
      },
      after: async ({ sample }) => {
        await expectMembers(sample, '3.6.16', '3.6');
        await expectBefore(sample, three);
      },
    });
    expectProof(result.state, 'completed');
    expect(starts(result)).toEqual({ 'etcd-1': 1, 'etcd-2': 1, 'etcd-3': 1 });
    // It was away while the run went on: nobody was a member before, and everybody is after.
    const ends = result.state.nodes.filter((n) => n.id !== 'etcd-1').map((n) => Date.parse(n.endedAt ?? ''));
    expect(Math.min(...ends)).toBeGreaterThan(killedAt + down);
  } finally {
    vi.unstubAllEnvs();
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  }
}, 300_000);
