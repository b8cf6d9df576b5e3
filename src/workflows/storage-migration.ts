import type { MigrationInput, RunState } from '../contracts/run.js';
import { momentOfCutover } from '../planning/migration/moment.js';
import { cutoverCut, cutoverValidation, cutovers, fenceCut } from '../planning/migration/phases.js';
import { acceptPlan, planned } from './accept-plan.js';
import { act, actLong } from './activities.js';
import { approvalFor, attempt, type Answer } from './attempt.js';
import { installControls } from './controls.js';
import { loop } from './loop.js';
import { createMigrationRun, enter, migrationOf } from './migration-run.js';
import { migrationWay } from './migration-way.js';
import { interruptible, now, type Run } from './run.js';
import { awaitApproval } from './safe-point.js';
import { borrow } from './saga.js';
import { finish } from './steps/finish.js';
import { bookkeeping, migrationId, streamId } from './steps/migration/borrowed.js';
import { bootstrap, compareExport, dualWrite, exportSource } from './steps/migration/copy.js';
import { compareAtCut } from './steps/migration/compare.js';
import { requireNothingLeftBehind, whileLooking } from './steps/migration/look.js';
import {
  accept,
  awaitMoment,
  compareAtCutBack,
  compareAtFence,
  observeFor,
} from './steps/migration/observe.js';
import { endStream, isHalfMoved, moveWrites, releaseFenceCut } from './steps/migration/switch.js';
import { goOnAlone, requireBothSides } from './steps/migration/alone.js';
import { discard, discardStep } from './steps/migration/undo.js';
import { makeScratch, startProbe } from './steps/prepare.js';

/**
 * A live copy A becomes B on other storage (R-MIG): one phase after the other, each entered only when the one before
 * has shown what it must. Until it is accepted, a rollback leads back to A.
 */
export async function storageMigration(input: MigrationInput): Promise<RunState> {
  const run = createMigrationRun(input, migrationWay);
  await runMigration(run, input.expectPlan);
  return run.state;
}

/** The whole of one migration, alone or as a stage of a pipeline. */
export async function runMigration(run: Run, expected?: string): Promise<void> {
  installControls(run);
  const ended = await planned(run, () => plan(run, expected));
  await finish(run, ended ?? (await loop(run, 'migrating', turnOnce)));
}

async function plan(run: Run, expected: string | undefined): Promise<void> {
  const { spec, pair, target } = migrationOf(run);
  const what = `plan ${pair.source.name} → ${pair.destination.name}`;
  const made = await act('makeMigrationPlan', what, { ...target, migration: spec });
  run.state.nodes = made.nodes.map((n) => ({
    ...{ id: n.id, group: n.group, from: n.from, to: n.to, roleBefore: n.role, version: n.from },
    status: 'pending' as const,
  }));
  acceptPlan(run, made, expected, 'plan');
}

/** One phase. */
function turnOnce(run: Run): Promise<Answer | 'complete'> {
  const { state } = migrationOf(run);
  if (run.state.direction === 'back') return goOnBack(run);
  switch (state.phase) {
    case 'preflight':
      return step(run, 'prepare', 'Prepare', () => begin(run));
    case 'exporting':
      return step(run, 'export', 'Export the source at a cut', () => exportSource(run));
    case 'bootstrapping':
      return step(run, 'bootstrap', 'Copy to the destination', () => bootstrap(run));
    case 'validating-export':
      return step(run, 'validate/export', 'Compare both copies at the export', () => compareExport(run));
    case 'dual-writing':
      return step(run, 'dual-write', 'Let the changes flow', () => dualWrite(run));
    case 'cut-back':
      return step(
        run,
        nth('validate/cut-back', latest(run)),
        'Compare both copies as they were at the cut-back',
        async () => {
          await compareAtCutBack(run);
          if (state.discarding === true) run.way.goBack(run, 'failure');
          else enter(run, 'validating-cutover');
        },
      );
    case 'validating-cutover':
      return step(run, nth('validate/cutover', next(run)), 'Compare both copies at one cut', () =>
        validate(run),
      );
    case 'awaiting-approval':
    case 'cutting-over':
      return step(run, nth('cutover', next(run)), 'Let the destination take the writes', () => cutOver(run));
    case 'observing':
      return state.observedUntil === undefined
        ? observe(run)
        : attempt(run, 'accept', 'Accept', undefined, async () => {
            await whileLooking(run, () => approvalFor(run, 'accept', 'Accept'));
            await accept(run);
          });
    case 'accepted':
    case 'discarded':
      return Promise.resolve('complete');
  }
}

/** The name of a step that is taken again after a cut-back: `cutover`, then `cutover/2`. */
const nth = (id: string, time: number): string => (time === 1 ? id : `${id}/${time}`);
/** The cutover that comes next, or is done again. */
const next = (run: Run): number => cutovers(migrationOf(run).state) + 1;
/** The one that is observed, or taken back. */
const latest = (run: Run): number => cutovers(migrationOf(run).state);

const step = (run: Run, id: string, title: string, body: () => Promise<void>): Promise<Answer> =>
  attempt(run, id, title, undefined, async () => {
    await approvalFor(run, id, title);
    await body();
  });

async function begin(run: Run): Promise<void> {
  const { target } = migrationOf(run);
  // Before definitions are guarded; the copy has them as well then.
  await makeScratch(run);
  borrow(run, bookkeeping(), { id: migrationId, kind: 'discard-migration' });
  await actLong('prepareMigration', 'make the bookkeeping of the migration', target);
  // An ordinary client, whose role is part of what has just been made.
  await startProbe(run);
  enter(run, 'exporting');
}

async function validate(run: Run): Promise<void> {
  const { state } = migrationOf(run);
  await requireNothingLeftBehind(run, 'forward');
  // Of a cut-back it has just been made. Whoever retries may have mended something: that is compared again.
  const fresh = momentOfCutover(cutoverValidation(state), undefined, now()).kind === 'now';
  if (!fresh || run.state.failure !== undefined) await compareAtCut(run, cutoverCut(state), 'forward');
  enter(run, 'awaiting-approval');
}

async function cutOver(run: Run): Promise<void> {
  const { state } = migrationOf(run);
  // Whoever has taken the writes back says when they move again.
  const time = next(run);
  if (time > 1) await awaitApproval(run, nth('cutover', time), 'Move the writes to the destination again');
  if (!isHalfMoved(run, 'forward')) {
    await awaitMoment(run);
    try {
      await requireNothingLeftBehind(run, 'forward');
    } catch (error) {
      // What mends it is compared before the writes move: a retry begins with that.
      enter(run, 'validating-cutover');
      throw error;
    }
  }
  if (state.phase === 'awaiting-approval') enter(run, 'cutting-over');
  await moveWrites(run, 'forward');
  state.observedSince = state.observedUntil = undefined;
  enter(run, 'observing');
}

function observe(run: Run): Promise<Answer> {
  const id = nth('observe', latest(run));
  const title = 'Observe the destination';
  return attempt(run, id, title, undefined, async () => {
    // Not as a part of the cutover: a failure of that would undo the way back.
    await endStream(run, 'forward');
    await approvalFor(run, id, title);
    // Nothing of it is worth waiting for when somebody wants to go back.
    await interruptible(run, () => compareAtFence(run, fenceCut(migrationOf(run).state), 'back'));
    await observeFor(run);
  });
}

/** With the writes on the destination: the cut-back. With the writes on the source: everything of ours is removed. */
async function goOnBack(run: Run): Promise<Answer | 'complete'> {
  const { state } = migrationOf(run);
  if (state.phase === 'discarded') return 'complete';
  if (state.lost !== undefined) {
    return attempt(run, 'alone', 'Go on without the side that is lost', undefined, () => goOnAlone(run));
  }
  if (state.authority === 'destination') {
    return attempt(
      run,
      nth('cut-back', latest(run)),
      'Let the source take the writes again',
      undefined,
      async () => {
        await requireBothSides(run);
        await endStream(run, 'forward');
        await releaseFenceCut(run);
        await moveWrites(run, 'back');
        enter(run, 'cut-back');
      },
    );
  }
  if (run.state.ledger.some((b) => b.id === streamId('back'))) {
    return attempt(run, nth('cut-back/end', latest(run)), 'End the way back', undefined, async () => {
      await endStream(run, 'back');
      // What is to be discarded is so once it has been compared with what came back.
      run.state.direction = 'forward';
      run.state.failure = undefined;
    });
  }
  return attempt(run, discardStep, 'Remove everything of the migration', undefined, async () => {
    await discard(run);
    enter(run, 'discarded');
  });
}
