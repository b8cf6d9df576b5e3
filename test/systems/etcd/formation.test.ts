import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeSpec, type ClusterSpec, type EffectContext, type Host } from '../../../src/contracts/index.js';
import { createEtcdSampleCluster } from '../../../src/dev/etcd/cluster.js';
import type { EtcdSampleCluster } from '../../../src/dev/etcd/sample-cluster.js';
import { createLocalHost } from '../../../src/hosts/local/host.js';
import { layoutOf } from '../../../src/hosts/local/layout.js';
import { createEtcdClient } from '../../../src/systems/etcd/client.js';
import { createFormation } from '../../../src/systems/etcd/formation/formation.js';
import { launch } from '../../../src/systems/etcd/launch.js';
import { createMembership } from '../../../src/systems/etcd/membership/membership.js';

const secrets = {
  resolve: () => Promise.reject(new Error('no secrets here')),
  redact: (text: string) => text,
};
const host = createLocalHost();
const client = createEtcdClient(secrets);
const ctx: EffectContext = {
  signal: new AbortController().signal,
  heartbeat: () => undefined,
  runId: 'run-1',
};
const seed = 'etcd-1';
const token = 'formation-test';

afterAll(() => client.close());

async function digest(directory: string): Promise<string> {
  const hash = createHash('sha256');
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries.filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name));
  for (const path of paths.sort()) hash.update(path.slice(directory.length)).update(await readFile(path));
  return hash.digest('hex');
}

for (const version of ['3.5.35', '3.6.16'] as const) {
  describe(`R-FORM: a standalone etcd ${version} becomes the seed of a cluster`, () => {
    let sample: EtcdSampleCluster;
    let cluster: ClusterSpec;
    let dataDir: string;
    const formation = createFormation({ client, host: () => host });
    /** Left by anything that is cut off: nothing but what is to be found again. */
    const scratch = async () =>
      (await readdir(layoutOf(nodeSpec(cluster, seed)).record))
        .filter((name) => name.startsWith('scratch-'))
        .sort();
    const dying = (method: keyof Host, when: (count: number) => boolean, after = false) => {
      let count = 0;
      const real = host[method] as (...args: unknown[]) => Promise<unknown>;
      const broken = {
        ...host,
        [method]: async (...args: unknown[]) => {
          const dies = when(++count);
          if (dies && !after) throw new Error('the worker died');
          const result = await real(...args);
          if (dies) throw new Error('the worker died');
          return result;
        },
      };
      return createFormation({ client, host: () => broken });
    };
    const seeded = async () => {
      const snapshot = await formation.snapshot(cluster, seed, version, ctx);
      await formation.restore(cluster, seed, { version, snapshot, token }, ctx);
      return snapshot;
    };

    beforeEach(async () => {
      sample = await createEtcdSampleCluster({ version, standalone: true });
      cluster = sample.cluster;
      dataDir = layoutOf(nodeSpec(cluster, seed)).dataDir;
      for (let i = 0; i < 50; i++) await sample.put(seed, `key-${i % 40}`, `value ${i}`);
    });
    afterEach(() => sample.destroy());

    it('that runs is inspected, and not taken as stopped', async () => {
      expect(await formation.inspect(cluster, seed, ctx)).toMatchObject({
        mode: 'standalone',
        running: { value: true },
        series: { value: version.slice(0, 3) },
        members: { value: [seed] },
        coherent: { value: true },
        content: { value: 'revision 51, 40 keys' },
      });
      await expect(formation.snapshot(cluster, seed, version, ctx)).rejects.toMatchObject({
        code: 'SYSTEM_REFUSED',
      });
      // One that the host did not start, or has no record of, is seen by its answer.
      const { pid, record } = layoutOf(nodeSpec(cluster, seed));
      await rename(pid, join(record, 'pid.away'));
      await expect(formation.snapshot(cluster, seed, version, ctx)).rejects.toThrow(/answers at the address/);
      await rename(join(record, 'pid.away'), pid);
    });

    it('that was killed is read with what only its log has, and not changed by being looked at', async () => {
      // The database file is written every 100 ms; what comes just before the kill is in the log alone.
      for (let i = 0; i < 20; i++) await sample.put(seed, `late-${i}`, 'x');
      await sample.kill(seed);
      const before = await digest(dataDir);
      const view = await formation.inspect(cluster, seed, ctx);
      expect(view).toMatchObject({
        running: { value: false },
        series: { value: version.slice(0, 3) },
        members: { value: [seed] },
        coherent: { value: true },
        content: { value: 'revision 71, 60 keys' },
      });
      expect(await scratch()).toEqual([]);

      const snapshot = await formation.snapshot(cluster, seed, version, ctx);
      expect(snapshot).toMatchObject({ content: 'revision 71, 60 keys' });
      expect(await formation.snapshot(cluster, seed, version, ctx)).toEqual(snapshot);
      expect(await digest(dataDir)).toBe(before);
      expect(await scratch()).toEqual(['scratch-formation']);
    });

    it('is restored, verified, put in place and served, and grows; the standalone is kept', async () => {
      await sample.stop([seed]);
      const before = await digest(dataDir);
      const snapshot = await seeded();
      const verified = await formation.verify(cluster, seed, { version, snapshot }, ctx);
      expect(verified).toMatchObject({ verdict: 'pass' });
      expect(verified.observed).toContain('40 keys');
      expect(await digest(dataDir)).toBe(before);

      const { kept } = await formation.finalize(cluster, seed, version, ctx);
      expect(await formation.finalize(cluster, seed, version, { ...ctx, runId: 'run-2' })).toEqual({ kept });
      expect(kept).toBe(`${dataDir}.standalone-run-1`);
      expect(await digest(kept)).toBe(before);
      // Too late to go back: what is in place stays.
      await formation.discard(cluster, seed, ctx);
      await host.start(nodeSpec(cluster, seed), launch(cluster, seed), ctx);
      await expect.poll(() => sample.get(seed, 'key-9').catch(() => undefined)).toBe('value 49');

      const second = nodeSpec(cluster, 'etcd-2');
      const artifact = cluster.artifacts[version];
      if (artifact === undefined) throw new Error('no artifact');
      const membership = createMembership({ client, host: () => host });
      await host.install(second, version, artifact, launch(cluster, 'etcd-2'), ctx);
      await membership.addLearner(cluster, 'etcd-2', ctx);
      await membership.startMember(cluster, 'etcd-2', ctx);
      await expect
        .poll(async () => (await membership.members(cluster, ctx)).map((m) => m.started), { timeout: 15_000 })
        .toEqual([true, true]);
      await membership.promoteLearner(cluster, 'etcd-2', ctx);
      expect(await sample.get('etcd-2', 'key-9')).toBe('value 49');

      // Not a standalone any more: told, and no copy of it is started, which would speak for it to the other.
      await sample.stop([seed]);
      const view = await formation.inspect(cluster, seed, ctx);
      expect(view.members).toMatchObject({ kind: 'known' });
      expect(view.members.kind === 'known' && [...view.members.value].sort()).toEqual(['etcd-1', 'etcd-2']);
      expect(view.coherent).toMatchObject({
        kind: 'unknown',
        reason: expect.stringContaining('2 members') as string,
      });
    });

    it('a seed that is not what the snapshot has does not pass', async () => {
      await sample.stop([seed]);
      const snapshot = await seeded();
      const other = { ...snapshot, hash: snapshot.hash.replace(/hash \d+/, 'hash 1') };
      expect(await formation.verify(cluster, seed, { version, snapshot: other }, ctx)).toMatchObject({
        verdict: 'hold',
      });
      const db = join(
        layoutOf(host.scratchNode(nodeSpec(cluster, seed), 'formation-seed')).dataDir,
        'member/snap/db',
      );
      await writeFile(db, 'not a database');
      expect(await formation.verify(cluster, seed, { version, snapshot }, ctx)).toMatchObject({
        verdict: 'unknown',
      });
    });

    it('R-SAGA 1: cut off at any change of the host, it ends in the same seed', async () => {
      await sample.stop([seed]);
      const before = await digest(dataDir);
      for (const method of ['copyData', 'start', 'makeDataDirectory', 'removeScratch'] as const) {
        for (const after of [false, true]) {
          const dead = dying(method, (n) => n === 1, after);
          await expect(dead.snapshot(cluster, seed, version, ctx)).rejects.toThrow('the worker died');
        }
      }
      const snapshot = await formation.snapshot(cluster, seed, version, ctx);
      const options = { version, snapshot, token };
      for (const after of [false, true]) {
        const dead = dying('runTool', (n) => n === 1, after);
        await expect(dead.restore(cluster, seed, options, ctx)).rejects.toThrow('the worker died');
      }
      await formation.restore(cluster, seed, options, ctx);
      await formation.restore(cluster, seed, options, ctx);
      await expect(
        dying('start', () => true, true).verify(cluster, seed, options, ctx),
      ).resolves.toMatchObject({
        verdict: 'unknown',
      });
      expect(await formation.verify(cluster, seed, options, ctx)).toMatchObject({ verdict: 'pass' });
      expect(await digest(dataDir)).toBe(before);
      expect(await scratch()).toEqual(['scratch-formation', 'scratch-formation-seed']);
    });

    it('finalizing is finished by whoever comes next, or taken back whole', async () => {
      await sample.stop([seed]);
      const before = await digest(dataDir);
      for (const [method, after] of [
        ['moveDataAside', false],
        ['moveDataAside', true],
        ['adoptData', false],
      ] as const) {
        await seeded();
        const dead = dying(method, () => true, after);
        await expect(dead.finalize(cluster, seed, version, ctx)).rejects.toThrow('the worker died');
        await formation.discard(cluster, seed, { ...ctx, runId: 'run-2' });
        expect(await digest(dataDir)).toBe(before);
        expect(await scratch()).toEqual([]);
      }
      await seeded();
      const dead = dying('adoptData', () => true, true);
      await expect(dead.finalize(cluster, seed, version, ctx)).rejects.toThrow('the worker died');
      const { kept } = await formation.finalize(cluster, seed, version, { ...ctx, runId: 'run-3' });
      expect(kept).toBe(`${dataDir}.standalone-run-1`);
      expect(existsSync(kept)).toBe(true);
      await host.start(nodeSpec(cluster, seed), launch(cluster, seed), ctx);
      await expect.poll(() => sample.get(seed, 'key-9').catch(() => undefined)).toBe('value 49');
    });

    it('a standalone that was started after its snapshot is not replaced by it', async () => {
      await sample.stop([seed]);
      const snapshot = await seeded();
      await sample.start(seed);
      await expect.poll(() => sample.put(seed, 'new', 'x').catch(() => 0), { timeout: 10_000 }).toBe(52);
      await sample.stop([seed]);
      await expect(formation.finalize(cluster, seed, version, ctx)).rejects.toThrow(/has changed since/);
      const again = await formation.snapshot(cluster, seed, version, ctx);
      expect(again.content).toBe('revision 52, 41 keys');
      expect(again.sha256).not.toBe(snapshot.sha256);
      await formation.restore(cluster, seed, { version, snapshot: again, token }, ctx);
      expect(await formation.verify(cluster, seed, { version, snapshot: again }, ctx)).toMatchObject({
        verdict: 'pass',
      });
      await formation.finalize(cluster, seed, version, ctx);
    });
  });
}
