import { setTimeout as sleep } from 'node:timers/promises';
import { RollgateError, type EffectContext, type LaunchSpec } from '../../contracts/index.js';
import { appendToJournal, readJournal } from './journal.js';
import type { Layout } from './layout.js';
import { processFacts, type ProcessFacts } from './process-facts.js';
import { locateProcess } from './running-process.js';
import { signalProcess } from './signal-process.js';
import { unknownState } from './unknown-state.js';

export interface StopOptions {
  readonly timeoutMs: number;
  readonly pollMs: number;
}

/** Ask the node's process to stop, and wait until it is gone. */
export async function stopNode(
  now: () => Date,
  layout: Layout,
  launch: LaunchSpec,
  options: StopOptions,
  ctx: EffectContext,
): Promise<void> {
  const deadline = performance.now() + options.timeoutMs;
  const located = await locateProcess(layout, launch);
  if (located.kind === 'stopped') return;
  if (located.kind === 'unknown') throw unknownState(layout, located.reason);
  const target = located.process;

  ctx.signal.throwIfAborted();
  await journalOnce(now, layout, ctx, target, launch);
  signalProcess(layout, target, launch);
  while ((await processFacts(target.pid))?.token === target.token) {
    if (performance.now() >= deadline) throw timedOut(layout, target, launch, options);
    ctx.heartbeat({ node: layout.node, waitingFor: 'stop', pid: target.pid });
    await sleep(options.pollMs, undefined, { signal: ctx.signal });
  }
  const after = await locateProcess(layout, launch);
  if (after.kind === 'stopped') return;
  throw unknownState(
    layout,
    after.kind === 'unknown'
      ? after.reason
      : `process ${target.pid} ended, but process ${after.process.pid} runs in its place: something else starts this node`,
  );
}

/**
 * The line is written before the signal, and once for a process: asked again after a crash, the same process gets
 * its signal again (harmless: it is the request it already has), but it is one stop.
 */
async function journalOnce(
  now: () => Date,
  layout: Layout,
  ctx: EffectContext,
  target: ProcessFacts,
  launch: LaunchSpec,
): Promise<void> {
  const detail = { signal: launch.stopSignal, pid: target.pid, process: target.token };
  const last = (await readJournal(layout)).findLast((line) => line.action === 'stop');
  if (last?.detail['pid'] === detail.pid && last.detail['process'] === detail.process) return;
  await appendToJournal(layout, ctx, now, { action: 'stop', detail });
}

function timedOut(
  layout: Layout,
  target: ProcessFacts,
  launch: LaunchSpec,
  options: StopOptions,
): RollgateError {
  return new RollgateError(
    'HOST_STOP_TIMED_OUT',
    `node ${layout.node}: process ${target.pid} got ${launch.stopSignal} and still runs after ${options.timeoutMs} ms; it was not killed`,
    `see ${layout.log} for what it waits for, then retry; never end it by SIGKILL unless its loss is acceptable`,
  );
}
