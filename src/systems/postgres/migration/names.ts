import type { Direction } from '../../../contracts/index.js';

/** Everything of ours on either side of a migration has one of these names; `residue` lists what is there of them. */
export const bookkeeping = 'rollgate_migration';
export const markerTable = `${bookkeeping}.marker`;
export const factTable = `${bookkeeping}.fact`;
export const ddlGuard = 'rollgate_ddl_guard';

/** Publication, slot and subscription of one direction share a name; the publication and slot are on its sender. */
export const streamName = (direction: Direction): string => `rollgate_${direction}`;

/** application_name of the session that holds a snapshot. */
export const holdPrefix = 'rollgate hold ';
