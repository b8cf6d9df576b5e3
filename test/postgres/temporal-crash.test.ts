import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { expect, it, vi } from 'vitest';
import { freePort } from '../../src/dev/free-port.js';
import { runScenario } from '../../src/dev/scenario/run.js';
import { startTemporal, type TemporalServer } from '../../src/dev/temporal.js';
import { connectTemporal } from '../../src/worker/connection.js';
import { registerSearchAttributes } from '../../src/worker/search-attributes.js';

const down = 3000;

it('R-SAGA-1: Temporal is killed while the old primary is being fenced, and started again', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'rollgate-temporal-'));
  const options = { port: await freePort(), dbFile: join(directory, 'temporal.db') };
  // A server of this test's own: the one of the whole test run must not die.
  vi.stubEnv('TEMPORAL_ADDRESS', undefined);
  let server: TemporalServer = await startTemporal(options);
  let killedAt: number | undefined;
  try {
    const address = server.address;
    vi.stubEnv('TEMPORAL_ADDRESS', address);
    const { connection, namespace } = await connectTemporal();
    await registerSearchAttributes(connection, namespace);
    await connection.close();
    const { state, journals } = await runScenario({
      during: async ({ sample, until }) => {
        await until(
          'both replicas are done',
          (s) => s.nodes.filter((n) => n.status === 'complete').length === 2,
        );
        const session = new Client(sample.connection('pg-1'));
        session.on('error', () => undefined);
        await session.connect();
        // The fence ends every session of the old primary.
        await new Promise<void>((resolve) => void session.once('end', resolve));
        if (server.pid === undefined) throw new Error('the Temporal server is not ours');
        process.kill(server.pid, 'SIGKILL');
        killedAt = Date.now();
        await delay(down);
        vi.stubEnv('TEMPORAL_ADDRESS', undefined);
        server = await startTemporal(options);
        vi.stubEnv('TEMPORAL_ADDRESS', address);
      },
    });
    if (killedAt === undefined) throw new Error('Temporal was not killed');
    expect(state.run.outcome).toBe('completed');
    expect(state.writes).toMatchObject({ lost: 0 });
    expect(state.nodes.map((n) => n.to)).toEqual(['17.10', '17.10', '17.10']);
    expect(state.handovers).toMatchObject([{ result: 'done', from: 'pg-1' }]);
    expect(state.ledger).toEqual([]);
    for (const lines of Object.values(journals)) {
      expect(lines.filter((l) => l.action === 'install')).toHaveLength(1);
    }
    // The handover was really under way: it was fenced before Temporal died, and ended after it had been away.
    const [handover] = state.handovers;
    expect(Date.parse(handover?.endedAt ?? '')).toBeGreaterThan(killedAt + down);
  } finally {
    vi.unstubAllEnvs();
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  }
}, 240_000);
