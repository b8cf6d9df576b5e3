import {
  lossWindowOf,
  type MigrationState,
  type RunState,
  type SideSwitch,
  type Validation,
} from '../contracts/index.js';
import { msBetween } from './format.js';
import { gapDuring } from './summarize-writes.js';
import type { Summary } from './summary-schema.js';

type Migration = NonNullable<Summary['migration']>;

/** Where a storage migration stands, what was compared, and what each move of the writes has cost. */
export function migrationOf(state: RunState, asOf: string): Migration | undefined {
  const { migration, spec } = state;
  if (!migration || !spec.migration) return undefined;
  return {
    phase: migration.phase,
    authority: migration.authority,
    source: spec.migration.source,
    destination: spec.migration.destination,
    phases: migration.phases.map(({ phase, at }) => ({ phase, at })),
    copy: copyOf(migration),
    cuts: migration.validations.map(cutOf),
    switches: migration.switches.map((s) => moveOf(s, state, asOf)),
    lossWindow: lossWindowOf(state),
  };
}

function copyOf({ copy }: MigrationState): Migration['copy'] {
  return (
    copy && {
      rows: copy.rows,
      bytes: copy.bytes,
      ms: copy.endedAt === undefined ? undefined : msBetween(copy.startedAt, copy.endedAt),
      ranges: copy.ranges,
      done: copy.done,
    }
  );
}

export function cutOf(v: Validation): Migration['cuts'][number] {
  const differing = v.tables.filter((t) => !t.equal);
  return {
    name: v.cut,
    position: v.position.text,
    tables: v.tables.length,
    rows: v.rows,
    mismatches: v.mismatches,
    writePauseMs: v.writePauseMs,
    at: v.startedAt,
    endedAt: v.endedAt,
    differing: differing.map(({ table, rows }) => ({ table, rows: { ...rows } })),
    differences: differing.flatMap((t) =>
      t.mismatches.map(({ table, kind, key, columns }) => ({
        table,
        kind,
        key: { ...key },
        columns: columns.map(({ name, source, destination }) => ({ name, source, destination })),
      })),
    ),
  };
}

function moveOf(s: SideSwitch, { writes }: RunState, asOf: string): Migration['switches'][number] {
  const { direction, result, validation, startedAt, openedAt, position, writeGapMs } = s;
  // Of one that is not over, or was given up, nobody has written down when its writers could go on.
  const span = openedAt === undefined ? undefined : { startedAt, endedAt: openedAt };
  return {
    direction,
    result,
    validation,
    startedAt,
    openedAt,
    position: position?.text,
    writeGapMs,
    measuredGapMs: writes && span && gapDuring(span, writes, asOf),
  };
}
