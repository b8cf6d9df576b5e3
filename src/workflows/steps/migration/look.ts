import { CancellationScope } from '@temporalio/workflow';
import type { GateVerdict } from '../../../contracts/gate.js';
import { senderOf, type Direction } from '../../../contracts/migration.js';
import type { Obstacle } from '../../../contracts/view.js';
import { actLong, glance } from '../../activities.js';
import { migrationOf } from '../../migration-run.js';
import { failStep, now, recordVerdicts, type Run } from '../../run.js';
import { againAndAgain } from './again-and-again.js';
import { watchServers } from './watch.js';

/**
 * What forbade the migration is looked for again, and what is defined is compared: what has come up since the plan,
 * past the guard or without DDL, is neither carried nor compared by rows (R-MIG 4).
 * @throws StepFailure GATE_HELD for an obstacle; COPIES_DIFFER for a definition
 */
export async function requireNothingLeftBehind(run: Run, direction: Direction): Promise<void> {
  const { target, pair, spec } = migrationOf(run);
  const found = await actLong('findObstacles', 'look again for what forbids the move', {
    ...target,
    ...{ direction, migration: spec },
  });
  recordVerdicts(run, [verdictOn(found)]);
  if (found.length > 0) {
    failStep(
      'GATE_HELD',
      `${pair[senderOf(direction)].name} has, since the plan, what keeps its writes from moving: ${listOf(found)}`,
      `${found.map((o) => o.remedy).join(' ')} Then retry: it is looked for again.`,
    );
  }
  const verdict = await actLong('compareDefinitions', 'compare the definitions of both sides', target);
  recordVerdicts(run, [verdict]);
  if (verdict.verdict === 'pass') return;
  failStep(
    'COPIES_DIFFER',
    `definitions differ: ${verdict.observed}`,
    'Bring the definitions of both sides into line, roles and their passwords too: what has changed on one side since the export is made on the other by hand. Then retry; or roll back and begin anew.',
  );
}

/**
 * Wait, and tell meanwhile what a cut-back could not carry. It keeps nobody from going back: whoever wants that has
 * read it in the status.
 */
export async function whileLooking<T>(run: Run, wait: () => Promise<T>): Promise<T> {
  const scope = new CancellationScope();
  const looking = scope.run(() => Promise.all([lookForObstacles(run), watchServers(run)]));
  try {
    return await wait();
  } finally {
    scope.cancel();
    await looking;
  }
}

const leastPauseMs = 5 * 60_000;

function lookForObstacles(run: Run): Promise<void> {
  const { target, spec } = migrationOf(run);
  return againAndAgain(run, leastPauseMs, ['no-obstacles', 'definitions-equal'], async () => {
    const found = await glance('findObstacles', 'look for what a cut-back could not carry', {
      ...target,
      ...{ direction: 'back', migration: spec },
    });
    return [
      verdictOn(found),
      await glance('compareDefinitions', 'compare the definitions of both sides', target),
    ];
  });
}

const listOf = (found: readonly Obstacle[]): string =>
  found.map(({ code, message }) => `${code}: ${message}`).join('; ');

const verdictOn = (found: readonly Obstacle[]): GateVerdict =>
  found.length === 0 ? verdictOf('pass', 'none') : verdictOf('hold', listOf(found));

const verdictOf = (verdict: GateVerdict['verdict'], observed: string): GateVerdict => ({
  ...{ name: 'no-obstacles', verdict, observed, at: now() },
  required: 'nothing that would stay behind, or keep the writes from moving',
});
