import {
  receiverOf,
  senderOf,
  type Direction,
  type MigrationFacet,
  type Obstacle,
  type Side,
} from '../../../../contracts/index.js';
import type { Sessions } from '../../connection.js';
import { guardPass } from '../ddl-guard.js';
import { carriedQuestion } from './carried.js';
import { closedQuestion } from './closed.js';
import { otherDatabases } from './databases.js';
import { localeQuestions } from './locale.js';
import { askAll, type Look, type Question } from './look.js';
import { objectQuestions } from './objects.js';
import { serverQuestions } from './server.js';
import { synchronousQuestions } from './synchronous.js';
import { tableQuestions } from './tables.js';
import { identityQuestion, privileges } from './versions.js';
import { withLook } from './with-look.js';

/**
 * The questions of the plan once more, as far as they still mean something: what the sender has that is not carried,
 * and what keeps either server from sending or applying. Streams, guard and bookkeeping of ours are told from others'
 * by their names. Not asked again: whether the destination is empty, which it is not any more, and its roles,
 * extensions, tablespaces and settings, which the comparison of definitions shows.
 */
export const createObstacles =
  (sessions: Sessions): MigrationFacet['obstacles'] =>
  (pair, direction, ctx) =>
    withLook(sessions, 'source', pair.source, (source) =>
      withLook(sessions, 'destination', pair.destination, async (destination) => {
        const first = [...privileges(source), ...privileges(destination)];
        if (first.length > 0) return first;
        const looks = { source, destination };
        const found: Obstacle[] = [];
        for (const side of [senderOf(direction), receiverOf(direction)]) {
          ctx.signal.throwIfAborted();
          found.push(...(await askAll(looks[side], questionsOf(sessions, looks, side, direction))));
          ctx.heartbeat();
        }
        return found;
      }),
    );

function questionsOf(
  sessions: Sessions,
  looks: Readonly<Record<Side, Look>>,
  side: Side,
  direction: Direction,
): Question[] {
  const { source, destination } = looks;
  const sender = looks[senderOf(direction)];
  const receiver = looks[receiverOf(direction)];
  const ofSender =
    side === senderOf(direction)
      ? [
          ...tableQuestions(sender, receiver),
          ...objectQuestions(sender),
          carriedQuestion(sender, receiver),
        ].map(pastTheGuard)
      : [];
  if (direction === 'back') return [...serverQuestions(looks[side]), ...ofSender];
  return [
    ...serverQuestions(looks[side]),
    ...ofSender,
    ...(side === 'source'
      ? [otherDatabases(sessions, source), ...localeQuestions(source, destination)]
      : [identityQuestion(source, destination), closedQuestion(destination)]),
    ...synchronousQuestions(looks[side]),
  ];
}

/** What these are mended by is DDL for the most part, which our own guard refuses. */
const pastTheGuard = ({ what, ask }: Question): Question => ({
  what,
  ask: async () =>
    (await ask()).map((obstacle) => ({
      ...obstacle,
      remedy: `${obstacle.remedy} The guard lets DDL of a superuser through after SET ${guardPass} = 'on'; what is defined must be the same on both sides.`,
    })),
});
