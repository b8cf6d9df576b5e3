import type { Direction } from '../../../contracts/migration.js';
import type { BorrowedSetting } from '../../../contracts/ledger.js';
import { now } from '../../run.js';

const byHand = 'rollgate migrate discard, once the cause is gone';

const ofOurs = (id: string, name: string): BorrowedSetting => ({
  ...{ id, kind: 'migration', name, value: 'present' },
  ...{ borrowedAt: now(), giveBack: byHand },
});

export const migrationId = 'migration';
export const bookkeeping = (): BorrowedSetting =>
  ofOurs(migrationId, 'bookkeeping on both sides, and the guard against changes of definitions');

export const streamId = (direction: Direction): string => `stream/${direction}`;
export const streamOf = (direction: Direction): BorrowedSetting =>
  ofOurs(streamId(direction), `what the sender keeps and the receiver applies of the stream ${direction}`);

export const snapshotId = 'snapshot/export';
export const exportedSnapshot = (): BorrowedSetting =>
  ofOurs(snapshotId, 'the snapshot of the export, held on the source');

export const fenceId = (direction: Direction): string => `fence/${direction}`;
/** @param node the cluster that is closed */
export const fenceOf = (direction: Direction, cluster: string): BorrowedSetting => ({
  ...{ id: fenceId(direction), kind: 'fence', name: `the log-in of every role of ${cluster}` },
  ...{ formerValue: 'open', value: 'closed', borrowedAt: now(), giveBack: byHand },
});

export const cutId = (name: string): string => `cut/${name}`;
export const cutOf = (name: string): BorrowedSetting =>
  ofOurs(cutId(name), `the snapshots of the cut ${name}, held on both sides`);
