import { readFile, rm } from 'node:fs/promises';
import { RollgateError } from '../../contracts/index.js';
import { ensureDirectory, flushDirectory, writeDurably } from './durable-file.js';
import { unlessAbsent } from './file-error.js';
import type { Layout } from './layout.js';

/** Whose fence holds the node; `undefined`: nobody's. */
export async function readFence(layout: Layout): Promise<string | undefined> {
  return (await unlessAbsent(() => readFile(layout.fence, 'utf8')))?.trimEnd();
}

/** @returns whether it had to be changed */
export async function writeFence(layout: Layout, holder: string | undefined): Promise<boolean> {
  if ((await readFence(layout)) === holder) return false;
  if (holder === undefined) {
    await rm(layout.fence, { force: true });
    await flushDirectory(layout.record);
  } else {
    await ensureDirectory(layout.record);
    await writeDurably(layout.fence, `${holder}\n`, { mode: 0o644 });
  }
  return true;
}

/** @throws HOST_FENCED */
export async function refuseIfFenced(layout: Layout): Promise<void> {
  const holder = await readFence(layout);
  if (holder === undefined) return;
  throw new RollgateError(
    'HOST_FENCED',
    `node ${layout.node} is held by the fence of ${holder} and must not be started`,
    `let run ${holder} finish or roll back; if it is gone for good and this node is not to stay down, remove ${layout.fence}`,
  );
}
