import { createHash } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keepArtifact } from '../kept-artifact.js';

/**
 * `pg_dump` of 18 as an executable file, for where none is installed: a launcher of `tools/pg-dump` with the Node.js
 * that runs now, for the user who runs now.
 * @returns its path
 */
export async function samplePgDump(): Promise<string> {
  // The same three levels up from src/dev/postgres and from dist/dev/postgres.
  const script = fileURLToPath(new URL('../../../tools/pg-dump/pg-dump.mjs', import.meta.url));
  const launcher = `#!/bin/sh\nexec ${quoted(process.execPath)} ${quoted(script)} "$@"\n`;
  const digest = createHash('sha256').update(launcher).digest('hex').slice(0, 12);
  const kept = await keepArtifact(`pg-dump-${digest}`, async (to) => {
    await mkdir(join(to, 'bin'), { recursive: true });
    const path = join(to, 'bin', 'pg_dump');
    await writeFile(path, launcher);
    await chmod(path, 0o755);
  });
  return join(kept.directory, 'bin', 'pg_dump');
}

/** For a shell: single quotes, with each one inside ended, escaped and begun again. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
