// Bundles dist/workflows for the worker's sandbox, so that a worker starts without a build step of its own.
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';

const at = (path) => fileURLToPath(new URL(`../dist/${path}`, import.meta.url));
const quiet = { trace() {}, debug() {}, info() {}, log() {}, warn: console.warn, error: console.error };
const { code } = await bundleWorkflowCode({ workflowsPath: at('workflows/index.js'), logger: quiet });
await writeFile(at('workflow-bundle.js'), code);
