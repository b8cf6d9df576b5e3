import { RollgateError, type MigrationFacet } from '../../../contracts/index.js';
import type { Sessions } from '../connection.js';
import { removeOurs, requireClean } from './closing-down.js';
import { emptyDestination } from './empty-destination.js';
import { locateIfThere } from './stream/located.js';
import { stopStream } from './stream/stop-stream.js';
import { readSideState } from './switch/side-state.js';
import { unfence } from './switch/unfence.js';

/**
 * As if there had been no migration: A has nothing of ours and lets in whom it let in before, B has nothing but what
 * it had. A comes first.
 *
 * @throws PRIMARY_MOVED when B takes the writes; SYSTEM_UNREACHABLE when B does not answer, after A is clean; before
 *   anything is changed when A does not answer, because B may hold the only copy, or when it is closed and B cannot
 *   be asked whether it is open
 */
export const createDiscard =
  (sessions: Sessions): MigrationFacet['discard'] =>
  async (pair, ctx) => {
    const source = await locateIfThere(sessions, pair.source);
    const destination = await locateIfThere(sessions, pair.destination);
    if (!(destination instanceof RollgateError)) {
      const { open } = await destination.on((client) => readSideState(client, 'destination'));
      if (open) {
        throw new RollgateError(
          'PRIMARY_MOVED',
          `${destination.node} takes the writes: discarded, they would be lost`,
          'Nothing was changed. Cut back first, or accept.',
        );
      }
    }
    if (source instanceof RollgateError) {
      throw new RollgateError(
        'SYSTEM_UNREACHABLE',
        `${pair.source.name} does not answer (${source.message}), and ${pair.destination.name} may hold the only copy of what it had sent: nothing was removed`,
        `Bring it back, then retry. If it is lost for good, end the run by abort: ${pair.destination.name} keeps its rows, and what is of ours there is left to be removed by hand.`,
        { cause: source },
      );
    }
    await unfence(sessions, pair, 'forward');
    await stopStream(sessions, pair, 'forward', ctx);
    await stopStream(sessions, pair, 'back', ctx);
    await removeOurs(sessions, source, ctx);
    if (!(destination instanceof RollgateError)) {
      await emptyDestination(sessions, destination, ctx);
      await removeOurs(sessions, destination, ctx);
    }
    const silent = destination instanceof RollgateError ? [destination] : [];
    await requireClean(sessions, [pair.source, pair.destination], silent);
  };
