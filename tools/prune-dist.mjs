// Removes from dist what an earlier build made of a source that is no longer there; it would be published.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const at = (folder) => fileURLToPath(new URL(`../${folder}`, import.meta.url));
for (const path of readdirSync(at('dist'), { recursive: true })) {
  const [, source] = /^(.+?)(?:\.d\.ts|\.js|\.js\.map)$/.exec(path) ?? [];
  if (source === undefined || path === 'workflow-bundle.js') continue;
  if (!existsSync(join(at('src'), `${source}.ts`))) rmSync(join(at('dist'), path), { force: true });
}
