import { createHash } from 'node:crypto';
import {
  known,
  receiverOf,
  RollgateError,
  senderOf,
  sideFenceFrom,
  unknown,
  type Cut,
  type Direction,
  type ErrorCode,
  type HeldSnapshot,
  type MigrationFacet,
  type Mismatch,
  type Side,
} from '../../src/contracts/index.js';
import { pagesOfRow, sizesOf, type ModelCopies, type ModelSnapshot } from './model-copies.js';
import type { MigrationModel } from './model-migration.js';

const at = (): string => new Date().toISOString();

const heldOf = (snapshot: ModelSnapshot): HeldSnapshot => ({ id: snapshot.id, tables: sizesOf(snapshot) });

/** Every method observes first and tells of an effect only when it has one. */
export function migrationFacet(model: MigrationModel): MigrationFacet {
  const { copies } = model;
  const { source, destination } = copies;
  const refuse = (code: ErrorCode, message: string): never => {
    throw new RollgateError(code, message, 'Look again.');
  };
  const carry = (): void => {
    copies.flow('forward');
    copies.flow('back');
  };
  const exported = (): { slot: number; snapshot: ModelSnapshot } | undefined => {
    const { slot } = copies.streams.forward;
    const snapshot = source.held.get('export');
    return slot === undefined || !snapshot ? undefined : { slot, snapshot };
  };

  return {
    inspect: () => {
      model.onCall('inspect');
      return Promise.resolve({
        versions: { source: '17.10', destination: '18.4' },
        obstacles: model.obstacles,
        tables: sizesOf({ id: '', tables: source.tables }),
        sequences: 1,
        residue: { source: copies.residue('source'), destination: copies.residue('destination') },
        observedAt: at(),
      });
    },

    obstacles: (_pair, direction) =>
      Promise.resolve().then(() => {
        model.onCall(`obstacles ${direction}`);
        return model.inTheWay[direction];
      }),

    prepare: async () => {
      if (source.bookkeeping && source.guard && destination.bookkeeping) return;
      await model.effect('prepare', () => {
        source.bookkeeping = source.guard = destination.bookkeeping = true;
      });
    },

    exportAt: async () => {
      const { streams } = copies;
      if (streams.forward.subscribed) refuse('SYSTEM_REFUSED', 'the destination is more than a copy');
      if (!exported()) {
        await model.effect('export', () => {
          source.held.delete('export');
          copies.hold('source', 'export');
          Object.assign(streams.forward, { slot: source.log.length, read: false });
          destination.copied.clear();
          for (const { rows } of destination.tables.values()) rows.clear();
        });
      }
      const { slot, snapshot } = exported() ?? refuse('INTERNAL', 'no export');
      const position = { offset: slot, text: `source/${slot}` };
      return { position, snapshot: heldOf(snapshot), at: at() };
    },

    createSchema: async () => {
      if (destination.schema !== 'none') return;
      await model.effect('schema', () => {
        destination.schema = 'tables';
        for (const table of source.tables.keys()) destination.tables.set(table, { rows: new Map(), file: 1 });
      });
    },

    copyRange: async (_pair, cut, { table, from, below = Infinity }) => {
      model.onCall(`copyRange ${table} ${from}`);
      const snapshot = exported()?.snapshot;
      if (snapshot?.id !== cut.snapshot.id) refuse('MIGRATION_RESTART', 'the snapshot of the export is lost');
      const name = `${table} ${from}`;
      const rows = [...(snapshot?.tables.get(table)?.rows ?? [])].filter(
        ([key]) => key * pagesOfRow >= from && key * pagesOfRow < below,
      );
      if (!destination.copied.has(name)) {
        await model.effect(`copy ${name}`, () => {
          destination.copied.set(name, rows.length);
          for (const [key, value] of rows) copies.table('destination', table).rows.set(key, value);
        });
      }
      return { rows: rows.length, bytes: 100 * rows.length };
    },

    finishSchema: async () => {
      if (destination.schema === 'finished') return;
      await model.effect('finish schema', () => (destination.schema = 'finished'));
    },

    startStream: async (_pair, direction) => {
      model.onCall(`startStream ${direction}`);
      if (copies.streams[direction].subscribed) return;
      await model.effect(`stream ${direction}`, () => {
        copies.startStream(direction);
      });
    },

    stream: (_pair, direction) => {
      model.onCall(`stream ${direction}`);
      carry();
      const { slot, subscribed, stalled } = copies.streams[direction];
      return Promise.resolve({
        flowing: known(slot !== undefined && subscribed),
        lag: known(stalled ? 1e12 : copies.lag(direction)),
      });
    },

    synchronousRequest: () => Promise.resolve({ node: 'b1', setting: 'synchronous', value: 'rollgate' }),

    stopStream: async (_pair, direction) => {
      const { slot, subscribed } = copies.streams[direction];
      if (slot === undefined && !subscribed) return;
      await model.effect(`end ${direction}`, () => {
        if (direction === 'back' && model.synchronous)
          copies.violations.push('the way back ends while writers wait for it');
        if (copies[receiverOf(direction)].open === copies[senderOf(direction)].open)
          copies.violations.push(`the stream ${direction} ends and nobody is open`);
        copies.endStream(direction);
      });
    },

    cut: async (_pair, { name, direction, export: of }) => {
      model.onCall(`cut ${name}`);
      if (name === 'export') refuse('INTERNAL', 'a cut is called export');
      carry();
      const exportHeld = source.held.get('export');
      const [there, here] = [of ? exportHeld : source.held.get(name), destination.held.get(name)];
      const cutOf = (a: ModelSnapshot, b: ModelSnapshot): Cut => ({
        ...{ name, position: of?.position ?? copies.position(senderOf(direction ?? 'forward')) },
        snapshots: { source: heldOf(a), destination: heldOf(b) },
        ...{ writePauseMs: direction ? 3 : 0, at: at() },
      });
      if (there && here) return cutOf(there, here);
      if (of && exportHeld?.id !== of.snapshot.id) refuse('CUT_LOST', 'the snapshot of the export is lost');
      if (of && copies.streams.forward.subscribed) refuse('CUT_REFUSED', 'it flows already');
      if (direction && copies.streams[direction].stalled) refuse('CUT_REFUSED', 'the receiver is behind');
      await model.effect(`cut ${name}`, () => {
        carry();
        if (!of) source.held.delete(name);
        destination.held.delete(name);
        if (!of) copies.hold('source', name);
        copies.hold('destination', name);
      });
      return cutOf(
        (of ? exportHeld : source.held.get(name)) ?? refuse('INTERNAL', 'no snapshot'),
        destination.held.get(name) ?? refuse('INTERNAL', 'no snapshot'),
      );
    },

    hashRange: (_pair, cut, side, { table, from, below = Infinity }) =>
      Promise.resolve().then(() => {
        model.onCall(`hashRange ${side} ${table} ${from}`);
        const then = copies.snapshot(side, cut.snapshots[side].id).tables.get(table);
        if (!then) return refuse('INTERNAL', `no table ${table} on the ${side}`);
        const rows = [...then.rows].filter(([key]) => key * pagesOfRow >= from && key * pagesOfRow < below);
        return {
          rows: rows.length,
          sum: rows.reduce((sum, [key, value]) => sum + hashOf(`${key}=${value}`), 0n).toString(),
          void: copies.table(side, table).file !== then.file,
        };
      }),

    locate: (_pair, cut, table, { limit }) =>
      Promise.resolve().then(() => {
        model.onCall(`locate ${table}`);
        const rows = (side: Side): ReadonlyMap<number, string> =>
          copies.snapshot(side, cut.snapshots[side].id).tables.get(table)?.rows ?? new Map<number, string>();
        return mismatches(table, rows('source'), rows('destination')).slice(0, limit);
      }),

    compareDefinitions: () => {
      model.onCall('compareDefinitions');
      return Promise.resolve(model.definitions);
    },

    releaseCut: async (_pair, { name }) => {
      if (!source.held.has(name) && !destination.held.has(name)) return;
      await model.effect(`release ${name}`, () => {
        source.held.delete(name);
        destination.held.delete(name);
      });
    },

    fence: async (_pair, direction) => {
      model.onCall(`fence ${direction}`);
      const [from, to] = [senderOf(direction), receiverOf(direction)];
      const name = `fence-${direction}`;
      if (!copies[from].fenced) {
        for (const side of [from, to]) copies[side].held.delete(name);
        if (!copies[from].open) refuse('SYSTEM_REFUSED', `the ${from} is not open`);
        await model.effect(`fence ${from}`, () => Object.assign(copies[from], { open: false, fenced: true }));
      }
      carry();
      if (model.lateFences > 0 || copies.streams[direction].stalled) {
        model.lateFences--;
        await unfence(model, direction);
        refuse('FENCE_LATE', 'writers have waited too long');
      }
      const held = { [from]: copies.hold(from, name), [to]: copies.hold(to, name) } as Record<
        Side,
        ModelSnapshot
      >;
      const position = copies.position(from);
      const snapshots = { source: heldOf(held.source), destination: heldOf(held.destination) };
      return sideFenceFrom({
        ...{ side: from, position, closedTo: ['app'], sessionsGone: true, applied: true },
        ...{ from: at(), at: at(), cut: { name, position, snapshots, writePauseMs: 20, at: at() } },
      });
    },

    unfence: (_pair, direction) => {
      model.onCall(`unfence ${direction}`);
      return unfence(model, direction);
    },

    cutOver: async (_pair, direction, fence, validation) => {
      model.onCall(`cutOver ${direction}`);
      const [from, to] = [senderOf(direction), receiverOf(direction)];
      if (!copies[to].open) {
        if (copies[from].open || !copies[from].fenced) refuse('FENCE_VOID', `the ${from} is open`);
        if (fence.position.offset !== copies[from].log.length) refuse('FENCE_VOID', 'something was written');
        if (!/^(before-cutover|cut-back)-\d/.test(validation.id))
          copies.violations.push(`moved by ${validation.id}`);
        await model.effect(`open ${to}`, () => {
          Object.assign(copies[to], { open: true, fenced: false });
          copies[to].sequence = copies[from].sequence + 32;
        });
      }
      return { direction, sequences: 1, at: at(), writeGapMs: 40 };
    },

    open: () => {
      model.onCall('open');
      return Promise.resolve({
        source: model.sourceLost ? unknown('it does not answer') : known(source.open),
        destination: model.lost ? unknown('it does not answer') : known(destination.open),
      });
    },

    openSurvivor: async () => {
      model.onCall('openSurvivor');
      if (!model.lost) refuse('SYSTEM_REFUSED', 'the destination answers');
      if (source.bookkeeping) {
        await model.effect('open source alone', () => {
          leaveNothing(copies);
          source.open = true;
        });
      }
      return { uncertain: model.uncertain, at: at() };
    },

    accept: async (_pair, { without }) => {
      model.onCall('accept');
      if (without === 'source' && !model.sourceLost) refuse('SYSTEM_REFUSED', 'the source answers');
      if (!destination.open) refuse('SYSTEM_REFUSED', 'the destination is not open');
      if (copies.nothingLeft) return;
      await model.effect('accept', () => {
        if (model.synchronous) copies.violations.push('the way back ends while writers wait for it');
        carry();
        leaveNothing(copies);
      });
    },

    discard: async () => {
      model.onCall('discard');
      if (destination.open) refuse('PRIMARY_MOVED', 'the destination takes the writes');
      if (copies.nothingLeft && destination.schema === 'none') return;
      await model.effect('discard', () => {
        leaveNothing(copies);
        source.open = true;
        destination.tables.clear();
        destination.copied.clear();
        destination.log.length = 0;
        destination.schema = 'none';
      });
    },
  };
}

async function unfence(model: MigrationModel, direction: Direction): Promise<void> {
  const { copies } = model;
  const [from, to] = [senderOf(direction), receiverOf(direction)];
  if (!copies[from].fenced) return;
  if (copies[to].open) throw new RollgateError('PRIMARY_MOVED', `the ${to} is open`, 'Move the writes back.');
  await model.effect(`unfence ${from}`, () => {
    Object.assign(copies[from], { open: true, fenced: false });
    for (const side of [from, to]) copies[side].held.delete(`fence-${direction}`);
  });
}

function leaveNothing(copies: ModelCopies): void {
  copies.endStream('forward');
  copies.endStream('back');
  for (const side of ['source', 'destination'] as const) {
    Object.assign(copies[side], { bookkeeping: false, guard: false, fenced: false });
    copies[side].held.clear();
  }
}

function hashOf(text: string): bigint {
  return createHash('sha256').update(text).digest().readBigInt64BE();
}

function mismatches(
  table: string,
  source: ReadonlyMap<number, string>,
  destination: ReadonlyMap<number, string>,
): Mismatch[] {
  return [...new Set([...source.keys(), ...destination.keys()])].flatMap((key): Mismatch[] => {
    const [a, b] = [source.get(key), destination.get(key)];
    if (a === b) return [];
    const kind = a === undefined ? 'extra' : b === undefined ? 'missing' : 'differs';
    const columns = [{ name: 'value', source: a ?? null, destination: b ?? null }];
    return [{ table, kind, key: { id: String(key) }, columns }];
  });
}
