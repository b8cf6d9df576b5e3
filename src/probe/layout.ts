import { join } from 'node:path';
import { RollgateError } from '../contracts/index.js';

/** Where the probe of one run keeps what it is told and what it has seen. */
export interface ProbeLayout {
  readonly directory: string;
  readonly config: string;
  readonly log: string;
  /** Until when the probe may live without being asked for again. */
  readonly lease: string;
  /** Its presence ends the probe, also one that signals do not reach. */
  readonly stop: string;
  /** When the probe was stopped. */
  readonly stopped: string;
  readonly sessions: string;
  readonly writer: (writer: number) => string;
  readonly reader: string;
}

/** @throws INTERNAL for a run id that is no plain file name */
export function probeLayout(artifacts: string, runId: string): ProbeLayout {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(runId)) {
    throw new RollgateError(
      'INTERNAL',
      `the run id "${runId}" is no plain file name; the journals of the probe are kept under it`,
      'Report this; nothing has been started.',
    );
  }
  return probeLayoutAt(join(artifacts, runId, 'probe'));
}

export function probeLayoutAt(directory: string): ProbeLayout {
  return {
    directory,
    config: join(directory, 'config.json'),
    log: join(directory, 'probe.log'),
    lease: join(directory, 'lease'),
    stop: join(directory, 'stop'),
    stopped: join(directory, 'stopped'),
    sessions: join(directory, 'sessions'),
    writer: (writer) => join(directory, `writer-${writer}.journal`),
    reader: join(directory, 'reader.journal'),
  };
}
