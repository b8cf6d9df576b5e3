import type { LaunchSpec } from '../../contracts/index.js';
import type { Layout } from './layout.js';
import { locateProcess, recordedProcess } from './running-process.js';
import { unknownState } from './unknown-state.js';

/**
 * @param what is to be done, e.g. `version 1.0 is to be installed`
 * @throws HOST_UNKNOWN when the node runs, and when it is not known whether it does
 */
export async function requireStopped(layout: Layout, launch: LaunchSpec, what: string): Promise<void> {
  const located = await locateProcess(layout, launch);
  if (located.kind === 'stopped') return;
  throw unknownState(
    layout,
    located.kind === 'unknown' ? located.reason : stillRuns(what, located.process.pid),
  );
}

/** As far as can be told where nobody says how the node's process is known: by our own record of it. */
export async function requireNoneRecorded(layout: Layout, what: string): Promise<void> {
  const found = await recordedProcess(layout);
  if (found) throw unknownState(layout, stillRuns(what, found.pid));
}

const stillRuns = (what: string, pid: number): string =>
  `${what} while process ${pid} runs; it must be stopped first`;
