// Bundles dist/workflows for the worker's sandbox, so that a worker starts without a build step of its own.
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';

const root = fileURLToPath(new URL('..', import.meta.url));
const at = (path) => fileURLToPath(new URL(`../dist/${path}`, import.meta.url));
const quiet = { trace() {}, debug() {}, info() {}, log() {}, warn: console.warn, error: console.error };
const { code } = await bundleWorkflowCode({ workflowsPath: at('workflows/index.js'), logger: quiet });
await writeFile(at('workflow-bundle.js'), withoutRoot(code));

/** The source map, and the stack traces made by it, name files below the project, not where it was built. */
function withoutRoot(bundle) {
  const rootInJson = JSON.stringify(root).slice(1, -1);
  return bundle.replace(/(?<=\/\/# sourceMappingURL=data:[^,]*;base64,)\S+(?=\s*$)/, (encoded) => {
    const map = Buffer.from(encoded, 'base64').toString('utf8');
    return Buffer.from(map.replaceAll(rootInJson, '')).toString('base64');
  });
}
