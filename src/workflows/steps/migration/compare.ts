import type { TableHash } from '../../../contracts/migration-activities.js';
import {
  passedFrom,
  receiverOf,
  type Cut,
  type Direction,
  type Mismatch,
} from '../../../contracts/migration.js';
import { compareSums } from '../../../planning/migration/comparison.js';
import { batchesOf, bytesOf, rangesOf } from '../../../planning/migration/ranges.js';
import { actLong } from '../../activities.js';
import { inLanes } from '../../lanes.js';
import { migrationOf } from '../../migration-run.js';
import { publish } from '../../publish.js';
import { failStep, interruptible, now, recordVerdicts, tell, type Run } from '../../run.js';
import { borrow, settle } from '../../saga.js';
import { cutId, cutOf } from './borrowed.js';

/** Tables that were emptied or rewritten since a cut cannot be read at it: so often another cut is made. */
const cuts = 3;

/**
 * Make a cut and compare both copies at it; the result is recorded under `name`, also where it took more than one cut.
 * @param direction `undefined`: the receiver stands still
 */
export async function compareAtCut(run: Run, name: string, direction: Direction | undefined): Promise<void> {
  const { spec, state, target } = migrationOf(run);
  const { maxWritePause } = spec.cutover;
  for (let attempt = 1; ; attempt++) {
    const cutName = attempt === 1 ? name : `${name}.${attempt}`;
    borrow(run, cutOf(cutName), { id: cutId(cutName), kind: 'release-cut', name: cutName });
    const cut = await actLong('makeCut', `make the cut ${cutName}`, {
      ...target,
      name: cutName,
      ...(direction === undefined ? { export: state.export } : { direction }),
      maxWritePauseMs: maxWritePause,
      timeoutMs: spec.timeouts.gate,
    });
    const unread = await compareCut(run, cut, name);
    await releaseCut(run, cutName);
    if (unread.length === 0) return;
    if (attempt === cuts) {
      failStep(
        'CUT_REFUSED',
        `${unread.slice(0, 10).join(', ')} were emptied or rewritten during each of ${cuts} comparisons`,
        'Let the application rest from TRUNCATE and the like for the time of a comparison, then retry.',
      );
    }
    tell(run, 'migration', `${unread.join(', ')} cannot be read at the cut any more: another one is made`);
  }
}

export async function releaseCut(run: Run, name: string): Promise<void> {
  const { target } = migrationOf(run);
  await actLong('releaseCut', `let go of the cut ${name}`, { ...target, name });
  settle(run, cutId(name));
}

/**
 * Compare both copies of a cut that is held. Its result is recorded under `name` when every table could be read.
 * @returns tables that could not be read
 * @throws StepFailure COPIES_DIFFER
 */
export async function compareCut(run: Run, held: Cut, name: string): Promise<readonly string[]> {
  const { spec, state, target } = migrationOf(run);
  const startedAt = now();
  const { source, destination } = held.snapshots;
  // Not in the history once for every batch: a copy is read by the id of its snapshot alone.
  const cut: Cut = {
    ...held,
    snapshots: { source: { ...source, tables: [] }, destination: { ...destination, tables: [] } },
  };
  const { streams } = spec.validation;
  const work = (['source', 'destination'] as const).map((side) => {
    const { tables } = held.snapshots[side];
    return batchesOf(rangesOf(tables, streams), tables, streams).map((ranges) => ({ side, ranges }));
  });
  const progress = (state.comparison = {
    ...{
      cut: name,
      ranges: work.flat().reduce((n, w) => n + w.ranges.length, 0),
      done: 0,
      rows: 0,
      bytes: 0,
    },
    totalBytes: source.tables.reduce((sum, t) => sum + t.bytes, 0),
    startedAt,
    endedAt: undefined as string | undefined,
  });
  const hashes: TableHash[] = [];
  await inLanes(run, work, streams, async ({ side, ranges }) => {
    const what = `hash ${ranges.length} ranges of the ${side}`;
    const found = await actLong('hashRanges', what, { ...target, cut, side, ranges });
    hashes.push(...found);
    progress.done += ranges.length;
    if (side === 'source') {
      progress.rows += found.reduce((n, h) => n + h.rows, 0);
      progress.bytes += bytesOf(ranges, source.tables);
    }
    publish(run.state);
  });
  const { tables, unread } = compareSums(held, hashes);
  progress.endedAt = now();
  if (unread.length > 0) return unread;
  const located = new Map<string, readonly Mismatch[]>();
  for (const { table } of tables.filter((t) => !t.equal && t.only === undefined)) {
    located.set(
      table,
      await actLong('locateMismatches', `find what differs in ${table}`, {
        ...target,
        ...{ cut, table, limit: spec.validation.mismatches },
      }),
    );
  }
  const validation = {
    id: `${name}@${cut.position.text}`,
    cut: name,
    position: cut.position,
    tables: tables.map(({ table, rows, equal }) => ({
      ...{ table, rows, equal },
      mismatches: located.get(table) ?? [],
    })),
    rows: tables.reduce((n, t) => n + t.rows.source, 0),
    // A table whose sums differ counts even where no row could be shown.
    mismatches: tables
      .filter((t) => !t.equal)
      .reduce((n, t) => n + Math.max(1, located.get(t.table)?.length ?? 0), 0),
    writePauseMs: cut.writePauseMs,
    startedAt,
    endedAt: now(),
  };
  state.validations.push(validation);
  const passes = passedFrom(validation) !== undefined;
  recordVerdicts(run, [
    {
      name: 'copies-equal',
      verdict: passes ? 'pass' : 'hold',
      observed: `${validation.rows} rows of ${tables.length} tables at ${validation.id}, ${validation.mismatches} differ`,
      required: 'every row of every table is the same on both sides at one position',
      at: now(),
    },
  ]);
  if (passes) return [];
  const differing = tables
    .filter((t) => !t.equal)
    .map((t) => (t.only === undefined ? t.table : `${t.table} (only on the ${t.only})`));
  return failStep(
    'COPIES_DIFFER',
    `${validation.mismatches} rows of ${differing.slice(0, 10).join(', ')} differ at ${validation.id}`,
    'See them with rollgate validate or in the report. Find out who wrote to the destination, then roll back and begin anew.',
  );
}

/** Hold until the receiver of a stream has caught up. */
export async function awaitStream(run: Run, direction: Direction): Promise<void> {
  const { spec, pair, target } = migrationOf(run);
  const verdict = await interruptible(run, () =>
    actLong('awaitStream', `wait until the stream ${direction} has caught up`, {
      ...target,
      ...{ direction, maxLag: spec.maxLag, timeoutMs: spec.timeouts.gate, pollMs: spec.poll },
    }),
  );
  recordVerdicts(run, [verdict]);
  if (verdict.verdict === 'pass') return;
  const receiver = pair[receiverOf(direction)];
  failStep(
    'GATE_HELD',
    `the stream ${direction}: ${verdict.name} ${verdict.verdict}, ${verdict.observed}; needs: ${verdict.required}`,
    `See the log of ${receiver.name} and of the sender, remove the cause, then retry.`,
  );
}
