import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import type { SampleCluster } from '../../src/dev/postgres/sample-cluster.js';
import { runPipelineScenario } from '../../src/dev/scenario/pipeline.js';

const patience = { timeout: 300_000 };

/** What every node says of itself, in the order of the spec. */
const versionsOf = (sample: SampleCluster): Promise<string[]> =>
  Promise.all(
    sample.cluster.nodes.map(async (node) => {
      const client = new Client(sample.connection(node.id));
      await client.connect();
      try {
        const { rows } = await client.query<{ v: string }>("SELECT current_setting('server_version') AS v");
        return rows[0]?.v ?? '';
      } finally {
        await client.end();
      }
    }),
  );

describe.concurrent('R-MIG-7: PostgreSQL 17.5 → 17.10 → 18.4 as one run', () => {
  it('rolls the source, migrates it and accepts: no write is lost in either stage', patience, async () => {
    const { state } = await runPipelineScenario({
      faults: [{ activity: 'openSide', at: 'before', nth: 1 }],
      after: async ({ sample, artifacts, client, cluster }, { state: ended }) => {
        expect(await versionsOf(sample.pair.source)).toEqual(['17.10', '17.10', '17.10']);
        expect(await versionsOf(sample.pair.destination)).toEqual(['18.4']);
        const listed = (await client.list()).find((run) => run.cluster === cluster.name);
        expect(listed).toMatchObject({
          kind: 'Pipeline',
          pipeline: { name: 'by-way-of-17.10', stages: ['to-17.10', 'to-18'] },
        });
        const file = join(artifacts, ended.pipeline?.runId ?? '', 'summary.json');
        const summary = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
        expect(summary).toMatchObject({
          run: { kind: 'Pipeline', outcome: 'completed' },
          writes: { lost: 0 },
          chapters: [
            { run: { kind: 'RollingUpgrade', outcome: 'completed' }, writes: { lost: 0 } },
            {
              run: { kind: 'StorageMigration', outcome: 'completed' },
              writes: { lost: 0 },
              migration: { phase: 'accepted' },
            },
          ],
        });
      },
    });
    expect(state.failure).toBeUndefined();
    expect(state.pipeline?.stages.map((s) => [s.name, s.outcome])).toEqual([
      ['to-17.10', 'completed'],
      ['to-18', 'completed'],
    ]);
    expect(state.pipeline).toMatchObject({ outcome: 'completed', pointOfNoReturn: 'to-18' });
    for (const chapter of [...(state.chapters ?? []), state]) {
      expect(chapter.writes?.acknowledged).toBeGreaterThan(0);
      expect(chapter.leftUndone).toEqual([]);
    }
  });

  it(
    'a copy that differs in the second stage: the migration is discarded, and 17.5 is back',
    patience,
    async () => {
      const { state } = await runPipelineScenario({
        pipeline: { onFailure: 'rollback' },
        migration: { approvals: { before: ['validate/cutover'] } },
        during: async ({ until, handle, sample }) => {
          const { plan } = await until('the comparison waits', (s) => s.waiting?.step === 'validate/cutover');
          expect(await versionsOf(sample.pair.source)).toEqual(['17.10', '17.10', '17.10']);
          const b = new Client(sample.pair.destination.connection('new-1'));
          await b.connect();
          await b.query("UPDATE shop.customer SET name = 'another' WHERE id = 1");
          await b.end();
          await handle.approve({ by: 'the test', planHash: plan?.hash });
        },
        after: async ({ sample }) => {
          expect(await versionsOf(sample.pair.source)).toEqual(['17.5', '17.5', '17.5']);
        },
      });
      expect(state.run.outcome).toBe('rolled-back');
      expect(state.pipeline?.stages.map((s) => s.outcome)).toEqual(['rolled-back', 'rolled-back']);
      const chapters = [...(state.chapters ?? []), state];
      expect(chapters.map((c) => [c.run.kind, c.run.outcome, c.cause?.code, c.writes?.lost])).toEqual([
        ['RollingUpgrade', 'completed', undefined, 0],
        ['StorageMigration', 'rolled-back', 'COPIES_DIFFER', 0],
        ['RollingUpgrade', 'rolled-back', undefined, 0],
      ]);
      for (const chapter of chapters) expect([chapter.ledger, chapter.leftUndone]).toEqual([[], []]);
    },
  );
});
