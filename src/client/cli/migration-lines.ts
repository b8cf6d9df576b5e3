import {
  receiverOf,
  senderOf,
  type MigrationState,
  type Mismatch,
  type RunState,
  type SideSwitch,
  type StorageMigrationSpec,
  type Validation,
} from '../../contracts/index.js';
import { progressText } from '../../planning/migration/progress.js';
import { columns } from './columns.js';
import type { Paint } from './paint.js';

type Names = Pick<StorageMigrationSpec, 'source' | 'destination'>;

/** `phase observing, orders-18 takes the writes`. */
export const migrationText = ({ phase, authority }: MigrationState, names: Names): string =>
  `phase ${phase}, ${names[authority]} takes the writes`;

/** Where a storage migration stands, what is in progress, and what was compared and moved. */
export function migrationLines(state: RunState, paint: Paint, at: string): string[] {
  const { migration, spec } = state;
  const names = spec.migration;
  if (!migration || !names) return [];
  const progress = state.run.outcome === 'running' ? progressText(state, at) : undefined;
  return [
    `migration: ${migrationText(migration, names)}`,
    ...(progress === undefined ? [] : [paint('cyan', progress)]),
    ...migration.validations.flatMap((v) => cutLines(v, paint)),
    ...migration.switches.map((s) => moveLine(s, names)),
  ];
}

/** Rows shown of a cut; the report has every one that was located. */
const shownRows = 5;

function cutLines(validation: Validation, paint: Paint): string[] {
  const { id, rows, tables, mismatches, writePauseMs } = validation;
  const verdict = mismatches === 0 ? 'equal' : `${mismatches} DIFFER`;
  const line = `cut ${id}: ${rows} rows of ${tables.length} tables, ${verdict}; writers waited ${Math.round(writePauseMs)} ms`;
  if (mismatches === 0) return [line];
  const located = tables.flatMap((t) => t.mismatches);
  const more = mismatches - Math.min(shownRows, located.length);
  return [
    paint('red', line),
    ...located.slice(0, shownRows).map((m) => `  ${mismatchText(m)}`),
    ...(more > 0 ? [`  and ${more} more: rollgate report`] : []),
  ];
}

const kindWords: Readonly<Record<Mismatch['kind'], string>> = {
  missing: 'only on the source',
  extra: 'only on the destination',
  differs: 'differs',
};

function mismatchText({ table, kind, key, columns: differing }: Mismatch): string {
  const row = Object.entries(key).map(([name, value]) => `${name}=${cell(value)}`);
  const values = differing.map((c) => `${c.name} ${cell(c.source)} / ${cell(c.destination)}`);
  const told = kind === 'differs' && values.length > 0 ? `: ${values.join(', ')}` : '';
  return `${table} ${row.join(', ')} ${kindWords[kind]}${told}`;
}

/** A value as it can be told from another. */
function cell(value: string | null): string {
  if (value === null) return 'NULL';
  return value === '' ? '(empty)' : value;
}

function moveLine({ direction, result, startedAt, openedAt, writeGapMs }: SideSwitch, names: Names): string {
  const move = `writes ${names[senderOf(direction)]} → ${names[receiverOf(direction)]}`;
  const gap = writeGapMs === undefined ? '' : `, write gap ${Math.round(writeGapMs)} ms`;
  if (result === 'undone') return `${move}: given up, begun at ${startedAt}`;
  return openedAt === undefined
    ? `${move}: in progress since ${startedAt}`
    : `${move}: moved at ${openedAt}${gap}`;
}

/** The nodes of both clusters: on which side, on which version, and whether clients write there. */
export function migrationNodes({ nodes, migration }: RunState, paint: Paint): string[] {
  const writes = (side: string): boolean => side === migration?.authority;
  const rows = nodes.map((n) => [
    n.id,
    n.roleBefore,
    n.version ?? n.from,
    writes(n.roleBefore) ? 'takes the writes' : '',
  ]);
  const [title = '', ...lines] = columns(['node', 'side', 'version', ''], rows);
  return [
    paint('dim', title),
    ...lines.map((line, i) => (writes(nodes[i]?.roleBefore ?? '') ? paint('green', line) : line)),
  ];
}
