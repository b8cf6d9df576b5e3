import type { Side } from '../../../contracts/migration.js';
import { act, actLong } from '../../activities.js';
import { enter, migrationOf } from '../../migration-run.js';
import { failStep, shielded, targetOf, tell, type Run } from '../../run.js';
import { failureOf, giveBackSettings } from '../../saga.js';
import { forget } from './undo.js';

/** A cut-back needs both sides. Whether one that is silent is lost for good is for an operator to say. */
export async function requireBothSides(run: Run): Promise<void> {
  const { state, pair, target } = migrationOf(run);
  const seen = await act('observeSides', 'see that both sides answer', target);
  const silent = (['destination', 'source'] as const).find((side) => seen[side].kind === 'unknown');
  state.silent = silent;
  if (silent === undefined) return;
  const [gone, other] = [pair[silent].name, pair[silent === 'source' ? 'destination' : 'source'].name];
  const { reason } = seen[silent].kind === 'unknown' ? seen[silent] : { reason: '' };
  failStep(
    'SYSTEM_UNREACHABLE',
    `${gone} cannot be asked: ${reason}`,
    `Bring it back, then retry. If it is lost for good, see that nothing of it runs any more, then rollgate skip ${pair.source.name}: ${other} goes on without it.`,
  );
}

/** One side is given up: the other one takes the writes, and nothing of ours is left there. */
export async function goOnAlone(run: Run): Promise<void> {
  const { state } = migrationOf(run);
  try {
    if (state.lost === 'destination') await openSource(run);
    else await keepDestination(run);
  } catch (error) {
    // It may have come back: both are asked again, and whether it is given up too.
    state.lost = undefined;
    if (failureOf(error).code === 'SYSTEM_REFUSED') state.retiring = undefined;
    throw error;
  }
}

async function openSource(run: Run): Promise<void> {
  const { spec, state, pair, target } = migrationOf(run);
  const { source, destination } = pair;
  const { uncertain } = await actLong('openSurvivor', `open ${source.name} alone`, target);
  state.authority = 'source';
  state.fenceCut = undefined;
  forget(run);
  forgetSettingsOf(run, 'destination');
  tell(run, 'migration', `${source.name} takes the writes again, without ${destination.name}`);
  if (!spec.observe.synchronousReverse) {
    tell(run, 'migration', `what ${destination.name} had confirmed and not sent is lost with it`);
  }
  for (const name of uncertain) {
    run.state.leftUndone.push({
      what: `${name} belongs to no column: ${destination.name} may have given its next values already`,
      command: `SELECT setval('${name}', <a value that was never given>)`,
      error: `${destination.name} is lost`,
    });
  }
  enter(run, 'cut-back');
  enter(run, 'discarded');
}

/** Its commits may wait for the source: that is ended first. */
async function keepDestination(run: Run): Promise<void> {
  const { state, pair, target } = migrationOf(run);
  state.retiring = true;
  await shielded(run, async () => {
    await giveBackSettings(run);
    await actLong('acceptMigration', `end the way back to ${pair.source.name}, which is lost`, {
      ...target,
      without: 'source',
    });
  });
  state.fenceCut = undefined;
  forget(run);
  run.state.direction = 'forward';
  run.state.failure = undefined;
  tell(run, 'migration', `${pair.destination.name} goes on without ${pair.source.name}`);
  enter(run, 'accepted');
}

/** What was borrowed on a side is gone with it. */
function forgetSettingsOf(run: Run, side: Side): void {
  const { pair } = migrationOf(run);
  const isLost = (node: string | undefined): boolean => targetOf(run, node).cluster.name === pair[side].name;
  const { state } = run;
  state.ledger = state.ledger.filter((b) => b.kind !== 'setting' || !isLost(b.node));
  state.compensations = state.compensations.filter((c) => c.kind !== 'give-back' || !isLost(c.borrowed.node));
}
