import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from 'pg';
import type { Layout } from '../../hosts/local/layout.js';
import type { ProcessOwner } from '../../hosts/local/run-as.js';
import { copyOwned, writeOwned } from './owned-files.js';

/** https://www.postgresql.org/docs/17/continuous-archiving.html#BACKUP-LOWLEVEL-BASE-BACKUP-DATA */
const leaveOut = {
  skip: new Set(['postmaster.pid', 'postmaster.opts', 'pg_internal.init']),
  empty: new Set([
    'pg_wal',
    'pg_replslot',
    'pg_dynshmem',
    'pg_notify',
    'pg_serial',
    'pg_snapshots',
    'pg_stat_tmp',
    'pg_subtrans',
  ]),
};

export interface NewReplica {
  readonly layout: Layout;
  readonly owner: ProcessOwner | undefined;
  readonly conf: string;
  readonly autoConf: string;
}

/**
 * Make replicas of a running primary by the low-level backup API; `pg_basebackup` is not among the sample
 * binaries. The WAL of the copy comes by streaming, from a slot that must exist already.
 */
export async function makeReplicas(
  primary: Client,
  source: Layout,
  replicas: readonly NewReplica[],
): Promise<void> {
  await primary.query("SELECT pg_backup_start('rollgate sample', true)");
  for (const { layout, owner } of replicas) await copyOwned(source.dataDir, layout.dataDir, owner, leaveOut);
  const stopped = await primary.query<{ labelfile: string }>('SELECT labelfile FROM pg_backup_stop(false)');
  const label = stopped.rows[0]?.labelfile;
  if (label === undefined) throw new Error('pg_backup_stop returned no label');
  for (const { layout, owner, conf, autoConf } of replicas) {
    await writeOwned(join(layout.dataDir, 'backup_label'), label, owner);
    await writeOwned(join(layout.dataDir, 'standby.signal'), '', owner);
    await writeFile(join(layout.dataDir, 'postgresql.conf'), conf);
    await writeFile(join(layout.dataDir, 'postgresql.auto.conf'), autoConf);
  }
}
