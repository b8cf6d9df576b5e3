import { createLogUpdate } from 'log-update';
import type { RollgateError, RunState } from '../../contracts/index.js';
import { progressText, underWay } from '../../planning/migration/progress.js';
import { meaningOfApproval } from '../../planning/migration/undo.js';
import { stageText, undoAcrossStages } from '../../planning/pipeline/standing.js';
import type { RunHandle } from '../run-handle.js';
import type { Invocation } from './cli.js';
import { exitCodeOf } from './exit-codes.js';
import { follow } from './follow.js';
import { stateWithFiles, type NamedFiles } from './named-files.js';
import { runFrame } from './run-frame.js';
import { approveCommand, createEventTeller, eventLine, outcomeLine, timelineOf } from './run-lines.js';

export interface WatchRunOptions {
  /** Whether the events are what was asked for (`watch`) or only tell what is going on (`start --wait`). */
  readonly events: 'stdout' | 'stderr';
  readonly timeoutMs?: number;
  readonly exitOnApproval?: boolean;
  /** Put into the hints of the run. */
  readonly files?: NamedFiles;
}

/** What is told of a run while it is followed, and at its end. */
interface Teller {
  state(state: RunState): void;
  silence(error: RollgateError): void;
  end(state: RunState | undefined): void;
}

/** Follow a run and tell it in the form asked for; returns the exit code that its end means. */
export async function watchRun(
  run: Invocation,
  handle: RunHandle,
  options: WatchRunOptions,
): Promise<number> {
  const live = run.output === 'text' && run.context.stdout.isTTY === true;
  const teller = live ? liveTable(run) : options.events === 'stdout' ? eventStream(run) : waiting(run);
  const { files } = options;
  const shown = (state: RunState): RunState => (files ? stateWithFiles(state, files) : state);
  let last: RunState | undefined;
  try {
    last = await follow({
      handle,
      signal: run.context.signal,
      timeoutMs: options.timeoutMs,
      exitOnApproval: options.exitOnApproval,
      pollMs: live ? 300 : 500,
      onState: (state) => teller.state(shown(state)),
      onSilence: (error) => teller.silence(error),
    });
  } finally {
    teller.end(last && shown(last));
  }
  return exitCodeOf(last);
}

function liveTable(run: Invocation): Teller {
  const draw = createLogUpdate(run.context.stdout);
  let frame = '';
  return {
    state: (state) => {
      frame = runFrame(state, run.paint);
      draw(frame);
    },
    silence: (error) => draw(`${frame}\n\n${run.paint('yellow', `${error.message}; the run waits`)}`),
    end: () => draw.done(),
  };
}

/** `watch` without a terminal: the events are the data. */
function eventStream(run: Invocation): Teller {
  const tell = createEventTeller();
  const announce = approvals(run);
  const advance = progress(run);
  const text = run.output === 'text';
  return {
    state: (state) => {
      for (const event of tell(timelineOf(state))) {
        if (text) run.context.stdout.write(`${eventLine(event)}\n`);
        else run.jsonLine({ type: 'event', ...event });
      }
      advance(state);
      announce(state);
    },
    silence: (error) => run.log(`${error.message}; the run waits`),
    end: (state) => {
      if (!state) return;
      if (text) run.context.stdout.write(`${outcomeLine(state)}\n`);
      else run.jsonLine(endOf(state));
    },
  };
}

/** `start --wait`: the events are log, the data is how it ended. */
function waiting(run: Invocation): Teller {
  const tell = createEventTeller();
  const announce = approvals(run);
  const advance = progress(run);
  return {
    state: (state) => {
      for (const event of tell(timelineOf(state))) {
        if (run.output === 'ndjson') run.jsonLine({ type: 'event', ...event });
        else run.log(eventLine(event));
      }
      advance(state);
      announce(state);
    },
    silence: (error) => run.log(`${error.message}; the run waits`),
    end: (state) => {
      if (state) run.data(run.output === 'ndjson' ? endOf(state) : state, runFrame(state, run.paint));
    },
  };
}

/** The last line of a stream of events. */
const endOf = (state: RunState): Record<string, unknown> => ({
  type: 'end',
  run: state.run,
  phase: state.phase,
  waiting: state.waiting,
  planHash: state.plan?.hash,
  failure: state.failure,
  formation: state.formation && {
    mode: state.formation.mode,
    checkpoint: state.formation.checkpoint,
    resumeHint: state.resumeHint,
  },
  pipeline: state.pipeline,
  migration: state.migration && { phase: state.migration.phase, authority: state.migration.authority },
  writes: state.writes && { acknowledged: state.writes.acknowledged, lost: state.writes.lost },
  exitCode: exitCodeOf(state),
});

/** Say once for each approval what it means, and which command gives it. */
function approvals(run: Invocation): (state: RunState) => void {
  let said = '';
  return (state) => {
    const command = approveCommand(state);
    const key = `${state.waiting?.step ?? ''} ${state.waiting?.since ?? ''}`;
    if (command === undefined || key === said) return;
    said = key;
    const meanings = [stageText(state), meaningOfApproval(state), undoAcrossStages(state)];
    for (const meaning of meanings) if (meaning !== undefined) run.log(meaning);
    run.log(`waits for approval: ${command}`);
  };
}

/** Say at each tenth how far the copy or the comparison of a migration is. */
function progress(run: Invocation): (state: RunState) => void {
  let said = '';
  return (state) => {
    const current = state.migration && underWay(state.migration);
    if (!current) return;
    const { what, progress: made } = current;
    const tenth = `${what} ${Math.floor((10 * made.done) / made.ranges)}`;
    const text = progressText(state, new Date().toISOString());
    if (text === undefined || tenth === said) return;
    said = tenth;
    run.log(text);
  };
}
