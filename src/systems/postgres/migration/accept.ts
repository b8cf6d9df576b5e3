import { RollgateError, type MigrationFacet } from '../../../contracts/index.js';
import type { Sessions } from '../connection.js';
import { hasBookkeeping } from './bookkeeping.js';
import { removeOurs, requireClean } from './closing-down.js';
import { locate, locateIfThere } from './stream/located.js';
import { stopStream } from './stream/stop-stream.js';
import { readSideState } from './switch/side-state.js';

/**
 * The end of a migration: from here on B is on its own, and there is no way back. Everything of ours is removed from
 * both sides, B's last, because it tells by its facts that it is the one that is open. Roles of A may log in no more
 * than before; nothing of A is said to be deleted.
 *
 * @param options.without the source is lost for good, and nothing is asked of it
 * @throws SYSTEM_REFUSED unless B takes the writes, or while a source that was given up answers; SYSTEM_UNREACHABLE when A does not answer, after B is clean
 */
export const createAccept =
  (sessions: Sessions): MigrationFacet['accept'] =>
  async (pair, { without }, ctx) => {
    const destination = await locate(sessions, pair.destination);
    const accepted = await destination.on(async (client) => {
      // Its bookkeeping goes last of all, so without it only what is left over is removed.
      if (!(await hasBookkeeping(client))) return true;
      return (await readSideState(client, 'destination')).open;
    });
    if (!accepted) {
      throw new RollgateError(
        'SYSTEM_REFUSED',
        `${destination.node} does not take the writes, so there is nothing to accept`,
        'Cut over first; or discard the migration.',
      );
    }
    const source = await locateIfThere(sessions, pair.source);
    if (without === 'source' && !(source instanceof RollgateError)) {
      throw new RollgateError(
        'SYSTEM_REFUSED',
        `${source.node} of ${pair.source.name} answers: it is not lost`,
        'Cut back to it, or accept in the ordinary way: retry the rollback, or the run from its observation.',
      );
    }
    await stopStream(sessions, pair, 'back', ctx);
    await stopStream(sessions, pair, 'forward', ctx);
    if (!(source instanceof RollgateError)) await removeOurs(sessions, source, ctx);
    await removeOurs(sessions, destination, ctx);
    const sides = without === 'source' ? [pair.destination] : [pair.source, pair.destination];
    await requireClean(
      sessions,
      sides,
      source instanceof RollgateError && without === undefined ? [source] : [],
    );
  };
