import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ClusterSpec, EffectContext } from '../../../src/contracts/index.js';
import { createEtcdSampleCluster } from '../../../src/dev/etcd/cluster.js';
import type { EtcdSampleCluster } from '../../../src/dev/etcd/sample-cluster.js';
import { createLocalHost } from '../../../src/hosts/local/host.js';
import { layoutOf } from '../../../src/hosts/local/layout.js';
import { createBackup } from '../../../src/systems/etcd/backup/backup.js';
import { createEtcdClient, type EtcdClient } from '../../../src/systems/etcd/client.js';

const secrets = {
  resolve: () => Promise.reject(new Error('no secrets here')),
  redact: (text: string) => text,
};
const host = createLocalHost();

/** What the gateway says to `path`, changed before anybody sees it. */
function clientWhere(
  real: EtcdClient,
  change: (node: string, path: string, body: unknown, said: unknown) => unknown,
): EtcdClient {
  return {
    ...real,
    async post(cluster, node, path, body, schema, options) {
      const said = await real.post(cluster, node, path, body, schema, options);
      return schema.parse(change(node, path, body, said));
    },
  };
}

for (const version of ['3.5.35', '3.6.16'] as const) {
  describe(`R-SWITCH: a backup of etcd ${version} is one that was restored`, () => {
    let sample: EtcdSampleCluster;
    let cluster: ClusterSpec;
    let directory: string;
    const client = createEtcdClient(secrets);
    const backup = createBackup({ client, host: () => host });
    const ctx: EffectContext = {
      signal: new AbortController().signal,
      heartbeat: () => undefined,
      runId: 'run-1',
    };
    const compact = async (revision: number) => {
      const body = JSON.stringify({ revision: String(revision), physical: true });
      const address = cluster.nodes[0]?.address ?? '';
      const answer = await fetch(`http://${address}/v3/kv/compaction`, { method: 'POST', body });
      expect(answer.status).toBe(200);
    };

    beforeAll(async () => {
      sample = await createEtcdSampleCluster({ version });
      cluster = sample.cluster;
      directory = await mkdtemp(join(tmpdir(), 'rollgate-backup-'));
      for (let i = 0; i < 30; i++) await sample.put('etcd-1', `key-${i % 10}`, `value ${i}`);
    });
    afterEach(async () => {
      for (const node of cluster.nodes) {
        const left = await readdir(join(layoutOf(node).record));
        expect(left.filter((name) => name.includes('scratch'))).toEqual([]);
      }
    });
    afterAll(async () => {
      await client.close();
      await sample.destroy();
      await rm(directory, { recursive: true, force: true });
    });

    it('is saved, restored, started and compared; again it is kept', async () => {
      const path = join(directory, 'before', 'etcd.db');
      const saved = await backup.save(cluster, path, ctx);
      expect(saved).toMatchObject({ path, content: 'revision 31, 10 keys' });
      const content = await readFile(path);
      expect(content.length).toBe(saved.bytes);
      await sample.put('etcd-1', 'later', 'x');
      expect(await backup.save(cluster, path, ctx)).toEqual(saved);
      expect((await readdir(join(directory, 'before'))).sort()).toEqual(['etcd.db', 'etcd.db.json']);
    });

    it('of another run, or changed since, is refused', async () => {
      const path = join(directory, 'other.db');
      await backup.save(cluster, path, ctx);
      await expect(backup.save(cluster, path, { ...ctx, runId: 'run-2' })).rejects.toMatchObject({
        code: 'BACKUP_UNVERIFIED',
      });
      await writeFile(path, 'x', { flag: 'a' });
      await expect(backup.save(cluster, path, ctx)).rejects.toMatchObject({ code: 'BACKUP_UNVERIFIED' });
    });

    it('whose stream was cut off is no backup', async () => {
      const cut: EtcdClient = {
        ...client,
        async *stream(...args) {
          let parts = 0;
          for await (const part of client.stream(...args)) if (parts++ === 0) yield part;
        },
      };
      const path = join(directory, 'cut.db');
      const saving = createBackup({ client: cut, host: () => host }).save(cluster, path, ctx);
      await expect(saving).rejects.toMatchObject({ code: 'BACKUP_UNVERIFIED' });
      expect(await readdir(directory)).not.toContain('cut.db.partial');
    });

    it('that does not have what the cluster has is no backup', async () => {
      const lying = clientWhere(client, (node, path, _, said) =>
        path === '/v3/maintenance/hashkv' && node.startsWith('etcd-') && !node.includes('restored')
          ? { ...(said as object), hash: 1 }
          : said,
      );
      const saving = createBackup({ client: lying, host: () => host }).save(
        cluster,
        join(directory, 'different.db'),
        ctx,
      );
      await expect(saving).rejects.toMatchObject({
        code: 'BACKUP_UNVERIFIED',
        message: expect.stringContaining('hash 1 at revision') as string,
      });
    });

    it('is compared also when the cluster is compacted between the snapshot and the comparison', async () => {
      let compacted = false;
      const racing = clientWhere(client, (_, __, ___, said) => said);
      const compacting: EtcdClient = {
        ...racing,
        async post(spec, node, path, body, schema, options) {
          if (path === '/v3/maintenance/hashkv' && node.startsWith('etcd-') && !compacted) {
            compacted = true;
            await compact(20);
          }
          return racing.post(spec, node, path, body, schema, options);
        },
      };
      const saved = await createBackup({ client: compacting, host: () => host }).save(
        cluster,
        join(directory, 'compacted.db'),
        ctx,
      );
      expect(compacted).toBe(true);
      expect(saved.content).toBe('revision 32, 11 keys');
    });

    it('R-SWITCH: copies are identical at one revision and one compact revision', async () => {
      await sample.put('etcd-1', 'again', 'x');
      const same = await backup.compare(cluster, ctx);
      expect(same).toMatchObject({ verdict: 'pass' });
      expect(same.observed).toContain('revision 33, compacted at 20');
    });

    it('an idle cluster is compared after a compaction at its last revision and a restart', async () => {
      await compact(33);
      await sample.stop(['etcd-2']);
      await sample.start('etcd-2');
      await expect.poll(async () => (await sample.status('etcd-2')).errors, { timeout: 10_000 }).toEqual([]);
      const same = await backup.compare(cluster, ctx);
      expect(same).toMatchObject({ verdict: 'pass' });
      expect((await backup.save(cluster, join(directory, 'idle.db'), ctx)).content).toContain('revision 33');
    });

    it('a difference holds; another compact revision or a silent member is inconclusive', async () => {
      const on = (node: string, change: object) =>
        createBackup({
          client: clientWhere(client, (asked, path, _, said) =>
            asked === node && path === '/v3/maintenance/hashkv' ? { ...(said as object), ...change } : said,
          ),
          host: () => host,
        }).compare(cluster, ctx);
      expect(await on('etcd-2', { hash: 7 })).toMatchObject({ verdict: 'hold' });
      expect(await on('etcd-2', { compact_revision: 1 })).toMatchObject({ verdict: 'unknown' });
      await sample.stop(['etcd-3']);
      expect(await backup.compare(cluster, ctx)).toMatchObject({ verdict: 'unknown' });
      await truncate(join(directory, 'idle.db'), 100);
      await expect(backup.save(cluster, join(directory, 'idle.db'), ctx)).rejects.toMatchObject({
        code: 'BACKUP_UNVERIFIED',
      });
    });
  });
}
