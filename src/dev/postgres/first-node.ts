import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Layout } from '../../hosts/local/layout.js';
import type { ProcessOwner } from '../../hosts/local/run-as.js';
import { pgHbaConf, superuser } from './configuration.js';
import { makeOwned, writeOwned } from './owned-files.js';

const run = promisify(execFile);

export const newPassword = (): string => randomBytes(18).toString('base64url');

/** Make the data directory of the first node with `initdb`, as the user who will run it. */
export async function initialise(
  layout: Layout,
  owner: ProcessOwner | undefined,
  options: { artifact: string; password: string; conf: string },
): Promise<void> {
  await makeOwned(layout.dataDir, owner);
  const passwordFile = join(layout.directory, 'initdb-password');
  await writeOwned(passwordFile, `${options.password}\n`, owner);
  try {
    const args = [
      ...['--pgdata', layout.dataDir, '--username', superuser, '--pwfile', passwordFile],
      ...['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--locale', 'C', '--data-checksums'],
    ];
    const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' };
    await run(join(options.artifact, 'bin', 'initdb'), args, { ...owner, cwd: layout.dataDir, env });
  } finally {
    await rm(passwordFile, { force: true });
  }
  // These exist already and keep their owner.
  await writeFile(join(layout.dataDir, 'postgresql.conf'), options.conf);
  await writeFile(join(layout.dataDir, 'pg_hba.conf'), pgHbaConf);
}
