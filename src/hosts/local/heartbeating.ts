import type { EffectContext } from '../../contracts/index.js';

const everyMs = 250;

/** Tell that the effect is alive while it waits for something that cannot tell so itself, such as one large file. */
export async function heartbeating<T>(
  ctx: EffectContext,
  details: () => unknown,
  act: () => Promise<T>,
): Promise<T> {
  const timer = setInterval(() => ctx.heartbeat(details()), everyMs);
  try {
    return await act();
  } finally {
    clearInterval(timer);
  }
}
