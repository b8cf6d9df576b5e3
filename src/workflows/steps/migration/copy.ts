import { exportCut, exportHold } from '../../../planning/migration/phases.js';
import { batchesOf, rangesOf } from '../../../planning/migration/ranges.js';
import { actLong } from '../../activities.js';
import { inLanes } from '../../lanes.js';
import { enter, migrationOf } from '../../migration-run.js';
import { publish } from '../../publish.js';
import { failStep, interruptible, now, Overtaken, tell, type Run } from '../../run.js';
import { failureOf, lend, settle } from '../../saga.js';
import { exportedSnapshot, snapshotId, streamId, streamOf } from './borrowed.js';
import { awaitStream, compareAtCut } from './compare.js';

/** From here on A keeps every change for B; B gets roles and definitions. */
export async function exportSource(run: Run): Promise<void> {
  const { state, target } = migrationOf(run);
  lend(run, streamOf('forward'));
  lend(run, exportedSnapshot());
  state.export = await actLong('exportSource', 'begin to keep changes, hold a snapshot', target);
  tell(run, 'migration', `exported at ${state.export.position.text}`);
  await actLong('createSchema', 'copy roles and definitions', target);
  enter(run, 'bootstrapping');
}

/** Every row as it was at the export; ranges that were copied are not copied again. */
export async function bootstrap(run: Run): Promise<void> {
  const { spec, state, target } = migrationOf(run);
  const { export: exported } = state;
  if (!exported) failStep('INTERNAL', 'a bootstrap without an export', 'Report this.');
  const { tables } = exported.snapshot;
  const { streams } = spec.copy;
  const ranges = rangesOf(tables, streams);
  // Not in the history once for every batch: a copy is read by the id of its snapshot alone.
  const cut = { ...exported, snapshot: { ...exported.snapshot, tables: [] } };
  const progress = (state.copy = {
    ...{ ranges: ranges.length, done: 0, rows: 0, bytes: 0, startedAt: now() },
    totalBytes: tables.reduce((sum, t) => sum + t.bytes, 0),
    endedAt: undefined as string | undefined,
  });
  try {
    // Whoever wants to go back need not wait for all of it, nor for a destination that is gone.
    await interruptible(run, () =>
      inLanes(run, [batchesOf(ranges, tables, streams)], streams, async (batch) => {
        const [first] = batch;
        const what = `copy ${batch.length} ranges from ${first?.table ?? ''}`;
        const { rows, bytes } = await actLong('copyRanges', what, { ...target, cut, ranges: batch });
        progress.done += batch.length;
        progress.rows += rows;
        progress.bytes += bytes;
        publish(run.state);
      }),
    );
    await actLong('finishSchema', 'build keys, indexes and constraints', target);
  } catch (error) {
    beginAnew(run, error);
  }
  progress.endedAt = now();
  tell(run, 'migration', `${progress.rows} rows copied`);
  enter(run, 'validating-export');
}

/** Both copies at the export, as long as nothing flows: nobody waits for it. */
export async function compareExport(run: Run): Promise<void> {
  try {
    await compareAtCut(run, exportCut, undefined);
  } catch (error) {
    // A retry asks for the export first: the same one where the source holds it still, and a new one otherwise.
    if (failureOf(error).code === 'CUT_LOST') enter(run, 'exporting');
    throw error;
  }
  enter(run, 'dual-writing');
}

/** Let the changes since the export flow. There is no going back to before it: only with everything else. */
export async function dualWrite(run: Run): Promise<void> {
  const { target } = migrationOf(run);
  try {
    await actLong('startStream', 'start the stream forward', {
      ...target,
      ...{ direction: 'forward', synchronous: false },
    });
  } catch (error) {
    if (failureOf(error).code === 'MIGRATION_RESTART') {
      await actLong('stopStream', 'end the stream forward', { ...target, direction: 'forward' });
      settle(run, streamId('forward'));
    }
    beginAnew(run, error);
  }
  await awaitStream(run, 'forward');
  // A snapshot that is held keeps a server from tidying up.
  await actLong('releaseCut', 'let go of the export', { ...target, name: exportHold });
  settle(run, snapshotId);
  enter(run, 'validating-cutover');
}

/** After so many an operator is asked. */
const restarts = 3;

/** Nothing of what was copied can be gone on with: the loop begins with the export again. */
function beginAnew(run: Run, error: unknown): never {
  const { code, message } = failureOf(error);
  if (code !== 'MIGRATION_RESTART') throw error;
  enter(run, 'exporting');
  const made = migrationOf(run).state.phases.filter((p) => p.phase === 'exporting').length - 1;
  if (made % restarts === 0) throw error;
  throw new Overtaken(`the export is begun anew: ${message}`);
}
