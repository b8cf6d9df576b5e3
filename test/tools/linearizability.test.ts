import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);
const cwd = fileURLToPath(new URL('../../tools/linearizability', import.meta.url));

it('R-PROOF-2: the tests of the checker itself pass', { timeout: 300_000 }, async () => {
  await run('go', ['vet', './...'], { cwd });
  const { stdout } = await run('go', ['test', '-count=1', './...'], { cwd });
  expect(stdout).toMatch(/^ok\s/m);
});
