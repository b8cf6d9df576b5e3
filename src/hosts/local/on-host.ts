import { messageOf, RollgateError, type EffectContext, type NodeSpec } from '../../contracts/index.js';
import { layoutOf, type Layout } from './layout.js';
import { makeScratchDirectory } from './scratch.js';
import { unknownState } from './unknown-state.js';

/** Errors of the operating system become HOST_UNKNOWN; a cancellation stays what it is. */
export async function onHost<T>(
  node: NodeSpec,
  ctx: EffectContext,
  act: (layout: Layout) => Promise<T>,
): Promise<T> {
  const layout = layoutOf(node);
  try {
    return await act(layout);
  } catch (error) {
    if (error instanceof RollgateError) throw error;
    ctx.signal.throwIfAborted();
    throw unknownState(layout, messageOf(error), error);
  }
}

/** The same for what needs the node's directory, which is made first if it is one of ours for scratch work. */
export function onReadyHost<T>(
  node: NodeSpec,
  ctx: EffectContext,
  act: (layout: Layout) => Promise<T>,
): Promise<T> {
  return onHost(node, ctx, async (layout) => {
    await makeScratchDirectory(layout);
    return act(layout);
  });
}
