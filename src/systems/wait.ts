import { setTimeout as delay } from 'node:timers/promises';
import type { EffectContext } from '../contracts/index.js';

/** Poll until it holds; false at the timeout: what a timeout means is for the caller to say. */
export async function waitUntil(
  holds: () => Promise<boolean>,
  options: { timeoutMs: number; pollMs: number },
  ctx: EffectContext,
): Promise<boolean> {
  const end = Date.now() + options.timeoutMs;
  for (;;) {
    if (await holds()) return true;
    if (Date.now() >= end) return false;
    ctx.heartbeat();
    await delay(options.pollMs, undefined, { signal: ctx.signal });
  }
}
