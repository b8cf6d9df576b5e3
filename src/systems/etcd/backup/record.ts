import { open, readFile, rm } from 'node:fs/promises';
import { z } from 'zod';
import { publish } from './snapshot-file.js';

/** What was found when a snapshot was verified, beside it in `<path>.json`. */
const BackupRecord = z.strictObject({
  cluster: z.string(),
  runId: z.string(),
  sha256: z.string(),
  bytes: z.number(),
  content: z.string(),
});
export type BackupRecord = z.infer<typeof BackupRecord>;

/** @returns `undefined` when there is none, or none that can be understood */
export async function readRecord(path: string): Promise<BackupRecord | undefined> {
  return readJson(`${path}.json`, BackupRecord);
}

export const writeRecord = (path: string, record: BackupRecord): Promise<void> =>
  writeJson(`${path}.json`, record);

export async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Atomic and flushed. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  const partial = `${path}.partial`;
  await rm(partial, { force: true });
  const file = await open(partial, 'wx', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(value, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await publish(partial, path);
}
