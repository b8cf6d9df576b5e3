import type { ClientBase } from 'pg';
import type { Direction, Position, Side } from '../../../../contracts/index.js';
import { readFact } from '../bookkeeping.js';
import { mayLogIn } from './log-ins.js';

/** Written in the same transaction that closes a side; gone in the one that opens it. */
export interface FenceFact {
  /** Roles that could log in when it was closed, and may again when it is opened. */
  readonly logins: readonly string[];
  /** Roles that may log in all the same: ours, and those that physical standbys stream with. */
  readonly stay: readonly string[];
  /** When writers began to wait. ISO 8601. */
  readonly from: string;
  /** Which call has closed it, or closes it on: every later one has its own. */
  readonly attempt: string;
  /** Seconds of the server's own clock: without a position it opens by itself then, see `opens-by-itself.ts`. */
  readonly until: number;
  /**
   * Once the other side has everything. Written before the other side is given its permit: without a position nobody
   * can open that side, so that this one is opened again without a question to it.
   */
  readonly position?: Position;
  /** The transaction that wrote this down: the last one of this side, as long as nobody writes past the fence. */
  readonly last?: string;
}

/** On a side that a cutover has opened. */
export interface OpenedFact {
  readonly direction: Direction;
  readonly sequences: number;
  /** ISO 8601. */
  readonly at: string;
  /** Which fence it was opened by. */
  readonly fence: FenceIdentity;
  /** Which validation it rests on. */
  readonly validation: string;
}

/** On the side that may be opened, as long as the fence of the other one stands: only who takes it away opens. */
export interface FenceIdentity {
  readonly position: string;
  readonly from: string;
}

export const fenceFact = (side: Side): string => `fence/${side}`;
export const openedFact = (side: Side): string => `opened/${side}`;
export const permitFact = (side: Side): string => `permit/${side}`;
/** By the export: which roles of A may log in on B, once B is opened for the first time. */
export const loginsFact = 'logins';

export interface SideState {
  readonly fence?: FenceFact;
  readonly opened?: OpenedFact;
  /** By the facts: whether it takes its clients. A is open until it is fenced, B is closed until it is opened. */
  readonly open: boolean;
}

/** @throws errors of statements as `pg` raises them */
export async function readSideState(client: ClientBase, side: Side): Promise<SideState> {
  const fence = await readFact<FenceFact>(client, fenceFact(side));
  const opened = await readFact<OpenedFact>(client, openedFact(side));
  const open = fence === undefined && (side === 'source' || opened !== undefined);
  return { ...(fence && { fence }), ...(opened && { opened }), open };
}

/** Roles that may log in on a side though it is closed: there is none while its fence holds. */
export const leaks = (client: ClientBase, { stay }: FenceFact): Promise<string[]> => mayLogIn(client, stay);
