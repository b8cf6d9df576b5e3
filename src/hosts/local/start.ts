import { RollgateError, type EffectContext, type LaunchSpec } from '../../contracts/index.js';
import { ensureDirectory } from './durable-file.js';
import { refuseIfFenced } from './fence.js';
import { readInstalled } from './installed-version.js';
import { appendToJournal } from './journal.js';
import { launchProcess, type Launched } from './launch-process.js';
import type { Layout } from './layout.js';
import { refuseIfPreparing } from './mode.js';
import { processFacts, type ProcessFacts } from './process-facts.js';
import { ownerOf } from './run-as.js';
import { locateProcess, recordProcess } from './running-process.js';
import { signalProcess } from './signal-process.js';
import { unknownState } from './unknown-state.js';

export interface StartDeps {
  readonly now: () => Date;
  /** A process that has lived this long counts as started, ms. */
  readonly graceMs: number;
}

/** How long a process that is withdrawn may take to end before we go on, ms; it has its signal in any case. */
const withdrawMs = 10_000;

/** Start what is installed unless it runs. */
export async function startNode(
  deps: StartDeps,
  layout: Layout,
  launch: LaunchSpec,
  ctx: EffectContext,
): Promise<void> {
  await refuseIfHeld(layout);
  const located = await locateProcess(layout, launch);
  if (located.kind === 'running') return;
  if (located.kind === 'unknown') throw unknownState(layout, located.reason);
  const installed = await readInstalled(layout);
  if (!installed) throw unknownState(layout, `nothing is installed: there is no ${layout.current}`);
  const owner = await ownerOf(layout);

  await ensureDirectory(layout.record);
  ctx.signal.throwIfAborted();
  const launched = await launchProcess(layout, installed.artifact, launch, owner);
  const facts = launched.pid === undefined ? undefined : await processFacts(launched.pid);
  if (facts) {
    await recordProcess(layout, facts);
    const detail = { version: installed.version, pid: facts.pid, process: facts.token };
    await appendToJournal(layout, ctx, deps.now, { action: 'start', detail });
    await withdrawIfHeld(layout, launch, facts, launched);
  }
  const end = await launched.endedWithin(deps.graceMs);
  if (end === undefined) return;
  // It may have ended because somebody else started the node at the same time: then what was wanted is there.
  if ((await locateProcess(layout, launch)).kind === 'running') return;
  throw await startFailed(layout, installed.version, end, launched);
}

/** @throws HOST_FENCED, HOST_PREPARING, FORMAT_UNKNOWN */
async function refuseIfHeld(layout: Layout): Promise<void> {
  await refuseIfFenced(layout);
  await refuseIfPreparing(layout);
}

/**
 * A fence or a mode set while we were starting: whoever set it after this look sees the process, because it is
 * recorded; whoever set it before is obeyed here. So a hold and a start never miss each other.
 */
async function withdrawIfHeld(
  layout: Layout,
  launch: LaunchSpec,
  started: ProcessFacts,
  launched: Launched,
): Promise<void> {
  try {
    await refuseIfHeld(layout);
  } catch (error) {
    signalProcess(layout, started, launch);
    await launched.endedWithin(withdrawMs);
    throw error;
  }
}

async function startFailed(
  layout: Layout,
  version: string,
  end: string,
  launched: Launched,
): Promise<RollgateError> {
  const lines = await launched.lastLines();
  const said = lines === '' ? 'It wrote nothing to its log.' : `The end of its log:\n${lines}`;
  return new RollgateError(
    'HOST_START_FAILED',
    `node ${layout.node}: version ${version} was started and ended at once: ${end}. ${said}`,
    `see ${layout.log} on the node's host, remove the cause and retry, or roll back`,
  );
}
