import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { textOf } from '../absent.js';
import type { ProbeLayout } from '../layout.js';

/** `opens`: no write acknowledged yet; `works`; `ended`: it has finished its journals. */
export type Stage = 'opens' | 'works' | 'ended';

/** A session's last sign of life. */
export interface Beat {
  readonly stage: Stage;
  /** ms since 1970. */
  readonly at: number;
}

/** Between two signs of life, ms. */
export const beatEvery = 250;

const beatPath = (layout: ProbeLayout, session: number): string => join(layout.sessions, `${session}.beat`);

/** Overwritten in place: the words and the times have one length, so that a reader never sees a mixture. */
export function openBeat(layout: ProbeLayout, session: number) {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW;
  const file = openSync(beatPath(layout, session), flags, 0o600);
  return {
    write: (stage: Stage, at: number): void => void writeSync(file, `${stage} ${at.toFixed(3)}\n`, 0),
    close: (): void => closeSync(file),
  };
}

/** @returns `undefined` when the session never came as far as its journals */
export async function readBeat(layout: ProbeLayout, session: number): Promise<Beat | undefined> {
  const match = /^(opens|works|ended) (\d+\.\d{3})\n/.exec((await textOf(beatPath(layout, session))) ?? '');
  return match ? { stage: match[1] as Stage, at: Number(match[2]) } : undefined;
}
