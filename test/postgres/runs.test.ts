import { appendFile, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client as TemporalClient } from '@temporalio/client';
import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { withBrokenTarget } from '../../src/dev/postgres/broken-artifact.js';
import { inspectNodes } from '../../src/dev/scenario/leftovers.js';
import { runScenario, type ScenarioContext } from '../../src/dev/scenario/run.js';
import { connectTemporal } from '../../src/worker/connection.js';
import { sql } from './support/lag.js';

const minutes = (n: number) => ({ timeout: n * 60_000 });

/** The whole history with its payloads as plain text. */
async function historyOf(workflowId: string): Promise<string> {
  const { connection, namespace } = await connectTemporal();
  try {
    const handle = new TemporalClient({ connection, namespace }).workflow.getHandle(workflowId);
    return JSON.stringify(await handle.fetchHistory()).replaceAll(
      /"data":"([^"]+)"/g,
      (_field, data: string) => Buffer.from(data, 'base64').toString('utf8'),
    );
  } finally {
    await connection.close();
  }
}

const versionsNow = async (context: ScenarioContext): Promise<string[]> =>
  (await inspectNodes(context.sample)).map((n) => n.version);

describe('R-SAGA-4: a bad target goes back to the former version, and no write is lost', () => {
  it.each(['dies', 'hangs'] as const)('a target that %s', minutes(3), async (how) => {
    let versions: string[] = [];
    const { state } = await runScenario({
      before: (sample) => withBrokenTarget(sample.cluster, sample.directory, how),
      upgrade: { timeouts: { start: '4s' } },
      after: async (context) => {
        versions = await versionsNow(context);
      },
    });
    expect(state.run.outcome).toBe('rolled-back');
    expect(state.writes?.lost).toBe(0);
    expect(versions).toEqual(['17.5', '17.5', '17.5']);
    expect(state.handovers).toEqual([]);
    expect(state.ledger).toEqual([]);
  });

  it('R-SAFE-3: an artifact that was changed after the plan is not installed', minutes(3), async () => {
    const { state } = await runScenario({
      before: (sample) => withBrokenTarget(sample.cluster, sample.directory, 'dies'),
      upgrade: { approvals: { before: ['start'] } },
      during: async ({ cluster, handle, until }) => {
        const waiting = await until('it waits', (s) => s.waiting !== undefined);
        await appendFile(join(cluster.artifacts['17.10']?.path ?? '', 'bin', 'postgres'), '# changed\n');
        await handle.approve({ by: 'the test', step: 'prepare', planHash: waiting.plan?.hash });
      },
    });
    expect(state.run.outcome).toBe('rolled-back');
    expect(state.timeline.map((e) => e.text).join('\n')).toMatch(/artifact-verified hold/);
    expect(state.timeline.some((e) => e.text.endsWith('draining'))).toBe(false);
    expect(state.writes?.lost).toBe(0);
  });

  it('onFailure wait: retry after the cause is gone', minutes(4), async () => {
    const { state } = await runScenario({
      upgrade: { onFailure: 'wait', approvals: { before: ['handover'] }, timeouts: { gate: '2s' } },
      during: async ({ sample, handle, until }) => {
        // No node is stopped while it waits.
        const { plan } = await until('it waits', (s) => s.waiting !== undefined);
        const replicas = ['pg-2', 'pg-3'];
        for (const id of replicas) await sql(sample, id, 'SELECT pg_wal_replay_pause()');
        await handle.approve({ by: 'the test', planHash: plan?.hash });
        await until('the run is blocked', (s) => s.phase === 'blocked');
        for (const id of replicas) await sql(sample, id, 'SELECT pg_wal_replay_resume()');
        await handle.retry({ by: 'the test', reason: 'replay goes on again' });
      },
    });
    expect(state.run.outcome).toBe('completed');
    expect(state.writes?.lost).toBe(0);
    expect(state.decisions).toMatchObject([{ action: 'approve' }, { action: 'retry', by: 'the test' }]);
  });
});

describe('R-ROLL-8: a primary that is promoted by hand in mid-run', () => {
  it('is noticed: no second handover, and the run says why it stops', minutes(4), async () => {
    const { state } = await runScenario({
      upgrade: { onFailure: 'wait', approvals: { before: ['handover'] }, timeouts: { gate: '3s' } },
      during: async ({ sample, handle, until }) => {
        const waiting = await until('it waits', (s) => s.waiting !== undefined);
        await sql(sample, 'pg-3', 'SELECT pg_promote()');
        await handle.approve({ by: 'the test', step: 'handover/default', planHash: waiting.plan?.hash });
        await until('the run is blocked', (s) => s.phase === 'blocked');
        await handle.abort({ by: 'the test' });
      },
    });
    expect(state.handovers.filter((h) => h.result === 'done')).toEqual([]);
    expect(state.fence).toBeUndefined();
    const seen = state.timeline.map((e) => e.text).join('\n');
    expect(seen).toMatch(/GATE_HELD.*one-primary/);
    expect(seen).toMatch(/pg-1.*pg-3|pg-3.*pg-1/);
  });
});

describe('R-SPEC-3: secrets', () => {
  it('are in no history, log, metric, report or error', minutes(4), async () => {
    let secrets: string[] = [];
    let places: string[] = [];
    await runScenario({
      upgrade: { onFailure: 'wait', timeouts: { gate: '2s' } },
      during: async ({ sample, handle, until }) => {
        // An error on the way: the password is changed under the run, and put back.
        const password = sample.connection('pg-1').password;
        await until('a replica is done', (s) => s.nodes.some((n) => n.status === 'complete'));
        await sql(sample, 'pg-1', `ALTER ROLE rollgate PASSWORD 'another-${password.slice(0, 6)}'`);
        await until('an error is shown', (s) => s.gates.some((g) => g.verdict === 'unknown'));
        const client = new Client({
          ...sample.connection('pg-1'),
          password: `another-${password.slice(0, 6)}`,
        });
        await client.connect();
        await client.query(`ALTER ROLE rollgate PASSWORD ${client.escapeLiteral(password)}`);
        await client.end();
        const state = await until(
          'it went on or is blocked',
          (s) => s.phase === 'blocked' || s.run.outcome !== 'running',
        );
        if (state.phase === 'blocked') await handle.retry({ by: 'the test' });
      },
      after: async ({ sample, handle, artifacts }, { state }) => {
        const passfile = await readFile(join(sample.directory, 'replication.pgpass'), 'utf8');
        secrets = [sample.connection('pg-1').password, passfile.trim().split(':').at(-1) ?? ''];
        places = [
          await historyOf(handle.workflowId),
          JSON.stringify(state),
          await readFile(join(sample.directory, '..', 'worker.log'), 'utf8'),
        ];
        for (const entry of await readdir(artifacts, { recursive: true, withFileTypes: true })) {
          if (entry.isFile()) places.push(await readFile(join(entry.parentPath, entry.name), 'utf8'));
        }
      },
    });
    expect(secrets.every((s) => s.length >= 16)).toBe(true);
    expect(places.length).toBeGreaterThan(6);
    // The grep itself is seen to find: what is no secret is there.
    expect(places[0]?.includes('"to":"17.10"')).toBe(true);
    for (const secret of secrets) {
      const forms = [
        secret,
        encodeURIComponent(secret),
        Buffer.from(secret).toString('base64').replace(/=+$/, ''),
      ];
      for (const form of forms) expect(places.filter((p) => p.includes(form))).toHaveLength(0);
    }
  });
});
