import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../contracts/index.js';

/**
 * Ask until the answer is yes; an error counts as no and is told if it stays so.
 * @throws Error naming `what`, after `timeoutMs` (default 60 s)
 */
export async function until(what: string, ask: () => Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  let last = 'the answer was no';
  while (performance.now() < deadline) {
    try {
      if (await ask()) return;
      last = 'the answer was no';
    } catch (error) {
      last = messageOf(error);
    }
    await sleep(50);
  }
  throw new Error(`not within ${timeoutMs} ms: ${what} (${last})`);
}
