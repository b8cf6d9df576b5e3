import { join } from 'node:path';
import { z } from 'zod';
import type { ClusterSpec } from '../contracts/spec.js';

/** Everything of one run's probe lies in one folder. */
export interface ProbeFiles {
  readonly directory: string;
  readonly config: string;
  /** Held by the living probe process: its pid and the token that tells it from any other process. */
  readonly lock: string;
  /** Its presence asks the probe to end. */
  readonly stop: string;
  readonly log: string;
  readonly reader: string;
  writer(n: number): string;
}

export function probeFiles(directory: string): ProbeFiles {
  return {
    directory,
    config: join(directory, 'config.json'),
    lock: join(directory, 'lock.json'),
    stop: join(directory, 'stop'),
    log: join(directory, 'probe.log'),
    reader: join(directory, 'reader.journal'),
    writer: (n) => join(directory, `writer-${n}.journal`),
  };
}

/** What the probe process is told. The cluster holds references to secrets, never secrets. */
export const ProbeConfig = z.strictObject({
  runId: z.string().min(1),
  cluster: z.looseObject({}).transform((value) => value as unknown as ClusterSpec),
  writers: z.int().min(1),
  interval: z.number().min(0),
  timeout: z.number().min(1),
});
export type ProbeConfig = z.infer<typeof ProbeConfig>;

export const ProbeLock = z.strictObject({ pid: z.int(), token: z.string() });
export type ProbeLock = z.infer<typeof ProbeLock>;
