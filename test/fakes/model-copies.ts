import {
  opposite,
  receiverOf,
  RollgateError,
  senderOf,
  type Direction,
  type Position,
  type Side,
  type TableSize,
} from '../../src/contracts/index.js';

/** A row is told by its key, and lies in pages of its own: a table of some rows has several ranges. */
export const pagesOfRow = 2048;

export interface ModelTable {
  rows: Map<number, string>;
  /** Another one after everything was removed at once: snapshots from before cannot be read then. */
  file: number;
}

type Change =
  | {
      readonly table: string;
      readonly own: boolean;
      readonly key: number;
      readonly value: string | undefined;
    }
  | { readonly table: string; readonly own: boolean; readonly key: 'all' };

export interface ModelSnapshot {
  readonly id: string;
  readonly tables: ReadonlyMap<string, ModelTable>;
}

/** One copy: its rows, and everything that a migration may leave on it. */
export interface ModelCopy {
  readonly tables: Map<string, ModelTable>;
  /** Whether clients may log in. */
  open: boolean;
  /** Closed by a fence, to be opened again by whoever undoes it. */
  fenced: boolean;
  readonly log: Change[];
  sequence: number;
  bookkeeping: boolean;
  guard: boolean;
  schema: 'none' | 'tables' | 'finished';
  readonly copied: Map<string, number>;
  readonly held: Map<string, ModelSnapshot>;
}

export interface ModelStream {
  /** How much of the sender's log the receiver has confirmed. */
  slot: number | undefined;
  subscribed: boolean;
  /** Whether there has been a subscription since the slot was made. */
  read: boolean;
  /** It carries nothing. */
  stalled: boolean;
}

const newCopy = (open: boolean): ModelCopy => ({
  ...{ tables: new Map(), open, fenced: false, log: [], sequence: 1, bookkeeping: false, guard: false },
  ...{ schema: 'none', copied: new Map(), held: new Map() },
});

/** Two copies in memory, the streams between them, and the clients that write to whichever is open. */
export class ModelCopies {
  readonly source = newCopy(true);
  readonly destination = newCopy(false);
  readonly streams: Record<Direction, ModelStream> = {
    forward: { slot: undefined, subscribed: false, read: false, stalled: false },
    back: { slot: undefined, subscribed: false, read: false, stalled: false },
  };
  /** What clients were told is written: key of the row → value, `undefined`: removed. */
  readonly acknowledged = new Map<string, string | undefined>();
  /** What must never be. */
  readonly violations: string[] = [];
  private writes = 0;
  private snapshots = 0;

  constructor() {
    this.source.schema = 'finished';
    for (const table of ['customers', 'empty', 'orders'])
      this.source.tables.set(table, { rows: new Map(), file: 1 });
    for (let key = 0; key < 40; key++) this.put('source', 'orders', key, `first ${key}`);
    for (let key = 0; key < 3; key++) this.put('source', 'customers', key, `first ${key}`);
  }

  /** A few clients, each with one write; while no side is open they wait. */
  write(): void {
    const [side, ...more] = (['source', 'destination'] as const).filter((s) => this[s].open);
    if (more.length > 0) this.violations.push('both sides are open');
    if (!side) return;
    for (let i = 0; i < 2; i++) {
      const n = ++this.writes;
      this[side].sequence++;
      this.put(side, 'orders', n % 50, n % 7 === 0 ? undefined : `written ${n}`);
    }
  }

  private put(side: Side, table: string, key: number, value: string | undefined): void {
    this.apply(side, { table, key, value, own: true });
    this.acknowledged.set(`${table}/${key}`, value);
  }

  /** A client removes every row at once. */
  truncate(table: string): void {
    const side = this.source.open ? 'source' : 'destination';
    for (const key of this.table(side, table).rows.keys())
      this.acknowledged.set(`${table}/${key}`, undefined);
    this.apply(side, { table, key: 'all', own: true });
  }

  /** Behind everybody's back. */
  corrupt(side: Side, table: string, key: number, value: string | undefined): void {
    if (value === undefined) this.table(side, table).rows.delete(key);
    else this.table(side, table).rows.set(key, value);
  }

  table(side: Side, table: string): ModelTable {
    const found = this[side].tables.get(table);
    if (!found) throw new RangeError(`no table ${table} on the ${side}`);
    return found;
  }

  private apply(side: Side, change: Change): void {
    const { rows } = this.table(side, change.table);
    if (change.key === 'all') {
      rows.clear();
      this.table(side, change.table).file++;
    } else if (change.value === undefined) rows.delete(change.key);
    else rows.set(change.key, change.value);
    this[side].log.push(change);
  }

  /** Carry what the sender itself was told, as far as the stream flows. */
  flow(direction: Direction): void {
    const stream = this.streams[direction];
    if (stream.slot === undefined || !stream.subscribed || stream.stalled) return;
    const { log } = this[senderOf(direction)];
    for (; stream.slot < log.length; stream.slot++) {
      const change = log[stream.slot];
      if (change?.own === true) this.apply(receiverOf(direction), { ...change, own: false });
    }
  }

  /** Changes that the receiver has not applied. */
  lag(direction: Direction): number {
    const { slot } = this.streams[direction];
    return slot === undefined ? Infinity : this[senderOf(direction)].log.length - slot;
  }

  startStream(direction: Direction): void {
    const stream = this.streams[direction];
    const goesOn = stream.slot !== undefined && (stream.subscribed || !stream.read);
    if (!goesOn && this[senderOf(direction)].open) {
      throw new RollgateError('MIGRATION_RESTART', `nothing was kept for ${direction}`, 'Begin anew.');
    }
    if (!goesOn) stream.slot = this[senderOf(direction)].log.length;
    stream.subscribed = stream.read = true;
  }

  endStream(direction: Direction): void {
    Object.assign(this.streams[direction], { slot: undefined, subscribed: false });
  }

  hold(side: Side, name: string): ModelSnapshot {
    const found = this[side].held.get(name);
    if (found) return found;
    const tables = new Map(
      [...this[side].tables].map(([table, { rows, file }]) => [table, { rows: new Map(rows), file }]),
    );
    const made = { id: `${side}-${++this.snapshots}`, tables };
    this[side].held.set(name, made);
    return made;
  }

  /** A snapshot that is held, by its id. @throws CUT_LOST */
  snapshot(side: Side, id: string): ModelSnapshot {
    const found = [...this[side].held.values()].find((s) => s.id === id);
    if (found) return found;
    throw new RollgateError('CUT_LOST', `the ${side} does not hold ${id}`, 'Make another cut.');
  }

  position(side: Side): Position {
    const offset = this[side].log.length;
    return { offset, text: `${side}/${offset}` };
  }

  /** Everything of a migration that is on a side. */
  residue(side: Side): string[] {
    const copy = this[side];
    const direction = side === 'source' ? 'forward' : 'back';
    return [
      ...(copy.bookkeeping ? ['bookkeeping'] : []),
      ...(copy.guard ? ['guard'] : []),
      ...(copy.fenced ? ['fence'] : []),
      ...(this.streams[direction].slot === undefined ? [] : [`slot ${direction}`]),
      ...(this.streams[opposite(direction)].subscribed ? [`subscription ${opposite(direction)}`] : []),
      ...[...copy.held.keys()].map((name) => `snapshot ${name}`),
    ];
  }

  get nothingLeft(): boolean {
    return this.residue('source').length === 0 && this.residue('destination').length === 0;
  }

  /** Rows that a client was told of and that are not so on this side. */
  lost(side: Side): string[] {
    return [...this.acknowledged].flatMap(([row, value]) => {
      const [table = '', key = ''] = row.split('/');
      const found = this[side].tables.get(table)?.rows.get(Number(key));
      return found === value
        ? []
        : [`${row}: ${value ?? 'nothing'} was acknowledged, ${found ?? 'nothing'} is there`];
    });
  }
}

export const sizesOf = ({ tables }: ModelSnapshot): TableSize[] =>
  [...tables].map(([table, { rows }]) => {
    const pages = (Math.max(-1, ...rows.keys()) + 1) * pagesOfRow;
    return { table, pages, bytes: pages * 8192 };
  });
