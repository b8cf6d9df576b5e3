import {
  known,
  RollgateError,
  unknown,
  type MigrationFacet,
  type Observed,
  type Pair,
  type Side,
} from '../../../../contracts/index.js';
import type { Sessions } from '../../connection.js';
import { hasBookkeeping, readFact } from '../bookkeeping.js';
import { locateIfThere } from '../stream/located.js';
import { mayLogIn, standbyRoles } from './log-ins.js';
import { loginsFact, readSideState } from './side-state.js';

/**
 * Whether each side lets clients in: what is written down, as far as the roles are so. A side without our
 * bookkeeping, before and after a migration, is open when a role other than ours may log in.
 */
export async function openSides(
  sessions: Sessions,
  pair: Pair,
): Promise<Awaited<ReturnType<MigrationFacet['open']>>> {
  const [source, destination] = await Promise.all([
    openSide(sessions, pair, 'source'),
    openSide(sessions, pair, 'destination'),
  ]);
  return { source, destination };
}

async function openSide(sessions: Sessions, pair: Pair, side: Side): Promise<Observed<boolean>> {
  const at = await locateIfThere(sessions, pair[side]);
  if (at instanceof RollgateError) return unknown(at.message);
  return at.on(async (client) => {
    const others = await mayLogIn(client, await standbyRoles(client));
    if (!(await hasBookkeeping(client))) return known(others.length > 0);
    const { fence, open } = await readSideState(client, side);
    if (open) return known(true);
    const remembered = fence?.logins ?? (await readFact<readonly string[]>(client, loginsFact)) ?? [];
    const leaking = fence
      ? others.filter((role) => !fence.stay.includes(role))
      : others.filter((role) => remembered.includes(role));
    return leaking.length === 0
      ? known(false)
      : unknown(`${at.node} is closed, but these roles may log in: ${leaking.join(', ')}`);
  });
}
