import { randomUUID } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { RollgateError } from '../contracts/index.js';
import { ClusterSpec } from '../contracts/spec.js';
import type { ProbeLayout } from './layout.js';

/** What the probe's process is told. Secrets are in it as references only. */
export const ProbeConfig = z.object({
  runId: z.string().min(1),
  cluster: ClusterSpec,
  /** A second cluster, to which the writes may move. */
  also: ClusterSpec.optional(),
  writers: z.int().min(1),
  interval: z.number().min(0),
  timeout: z.number().min(1),
});
export type ProbeConfig = z.infer<typeof ProbeConfig>;

export async function writeConfig(layout: ProbeLayout, config: ProbeConfig): Promise<void> {
  const draft = `${layout.config}.${randomUUID()}.tmp`;
  await writeFile(draft, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  await rename(draft, layout.config);
}

/** @throws PROBE_FAILED when it is absent or not what {@link writeConfig} writes */
export async function readConfig(layout: ProbeLayout): Promise<ProbeConfig> {
  try {
    return ProbeConfig.parse(JSON.parse(await readFile(layout.config, 'utf8')));
  } catch (error) {
    throw new RollgateError(
      'PROBE_FAILED',
      `the configuration of the probe, ${layout.config}, is absent or cannot be understood`,
      'Check that the artifacts directory of the run is there and that the worker may read it.',
      { cause: error },
    );
  }
}
