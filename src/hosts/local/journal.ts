import { open, readFile } from 'node:fs/promises';
import type { EffectContext } from '../../contracts/index.js';
import { ensureDirectory } from './durable-file.js';
import { unlessAbsent } from './file-error.js';
import type { Layout } from './layout.js';

export type ChangeAction =
  | 'stop'
  | 'install'
  | 'start'
  | 'fence'
  | 'unfence'
  | 'write'
  | 'remove'
  | 'mode'
  | 'make-data'
  | 'copy-data'
  | 'move-data-aside'
  | 'adopt-data'
  | 'remove-scratch';

/** One line of `rollgate/journal.ndjson`: a change that rollgate made to this node. */
export interface JournalLine {
  /** ISO 8601. */
  readonly at: string;
  readonly runId: string;
  readonly action: ChangeAction;
  readonly detail: Readonly<Record<string, string | number | null>>;
}

/**
 * Append one change and flush it. Calls that found nothing to do write no line, so the journal counts effects.
 * A crash between an effect and its line loses the line; there is never a line without an effect.
 */
export async function appendToJournal(
  layout: Pick<Layout, 'record' | 'journal'>,
  ctx: EffectContext,
  now: () => Date,
  change: Pick<JournalLine, 'action' | 'detail'>,
): Promise<void> {
  const line: JournalLine = { at: now().toISOString(), runId: ctx.runId, ...change };
  await ensureDirectory(layout.record);
  const handle = await open(layout.journal, 'a', 0o644);
  try {
    await handle.appendFile(`${JSON.stringify(line)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Every change made to the node, oldest first; a last line cut off by a power failure is left out. */
export async function readJournal(layout: Layout): Promise<JournalLine[]> {
  const text = await unlessAbsent(() => readFile(layout.journal, 'utf8'));
  const complete = (text ?? '').split('\n').slice(0, -1);
  return complete.map((line) => JSON.parse(line) as JournalLine);
}
