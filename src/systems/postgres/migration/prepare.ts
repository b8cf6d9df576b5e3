import type { ClusterSpec, EffectContext, MigrationFacet } from '../../../contracts/index.js';
import type { Sessions } from '../connection.js';
import { makeBookkeeping } from './bookkeeping.js';

export interface PrepareDeps {
  readonly sessions: Sessions;
  /** Refuses on the source what replication does not carry. */
  readonly ddlGuard: { set(cluster: ClusterSpec, ctx: EffectContext): Promise<void> };
}

/** The bookkeeping of ours on both sides, and the guard on the source. */
export const createPrepare =
  ({ sessions, ddlGuard }: PrepareDeps): MigrationFacet['prepare'] =>
  async (pair, ctx) => {
    for (const cluster of [pair.source, pair.destination]) {
      ctx.signal.throwIfAborted();
      await makeBookkeeping(sessions, cluster);
    }
    await ddlGuard.set(pair.source, ctx);
  };
