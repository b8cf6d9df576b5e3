import { Context } from '@temporalio/activity';
import type {
  Cut,
  EffectContext,
  GateVerdict,
  MigrationChangingActivities,
  MigrationFacet,
  MigrationReadingActivities,
  Pair,
  PairTarget,
  TableHash,
  Verdict,
} from '../contracts/index.js';
import { RollgateError, valueOf } from '../contracts/index.js';
import { withoutAccepted } from '../planning/migration/accepted.js';
import { planMigration } from '../planning/migration/plan.js';
import { needed, type ActivityDependencies } from './dependencies.js';
import { effect, toFailure } from './effect.js';
import { seePair } from './see-pair.js';
import { sleep } from './sleep.js';

const facetOf = (deps: ActivityDependencies, { source }: Pair): MigrationFacet =>
  needed(deps.system(source), 'migration');

const verdict = (
  name: GateVerdict['name'],
  judged: { verdict: Verdict; observed: string; required: string },
): GateVerdict => ({ name, ...judged, at: new Date().toISOString() });

/** What a migration is decided from (R-MIG); changes nothing. */
export function createMigrationReading(deps: ActivityDependencies): MigrationReadingActivities {
  return {
    makeMigrationPlan: ({ pair, runId, migration }) =>
      effect(runId, deps.secrets, async (ctx) =>
        planMigration({ ...(await seePair(deps, pair, ctx)), migration }),
      ),

    awaitStream: ({ pair, runId, direction, maxLag, timeoutMs, pollMs }) =>
      effect(runId, deps.secrets, async (ctx) => {
        const deadline = Date.now() + timeoutMs;
        for (;;) {
          const { flowing, lag, error } = await facetOf(deps, pair).stream(pair, direction, ctx);
          const behind = valueOf(lag);
          const flows = valueOf(flowing);
          const passes = flows === true && behind !== undefined && behind <= maxLag;
          const unknowns = [flowing, lag].flatMap((o) => (o.kind === 'unknown' ? [o.reason] : []));
          const judged = verdict('stream-caught-up', {
            verdict: passes ? 'pass' : unknowns.length > 0 ? 'unknown' : 'hold',
            observed:
              unknowns.length > 0
                ? unknowns.join('; ')
                : `${flows === true ? 'it flows' : 'it does not flow'}, ${behind ?? '?'} behind${error === undefined ? '' : `; ${error}`}`,
            required: `it flows, at most ${maxLag} behind`,
          });
          if (passes || Date.now() >= deadline) return judged;
          ctx.heartbeat(judged.observed);
          await sleep(pollMs, ctx.signal);
        }
      }),

    awaitReplicas: ({ pair, runId, side, maxLag, timeoutMs, pollMs }) =>
      effect(runId, deps.secrets, async (ctx) => {
        const cluster = pair[side];
        const deadline = Date.now() + timeoutMs;
        for (;;) {
          const view = await deps.system(cluster).observe(cluster, ctx);
          const late = view.groups.flatMap((g) =>
            g.nodes.filter((n) => {
              if (valueOf(n.role) === 'primary') return valueOf(n.serving) !== true;
              const lag = valueOf(n.lag);
              return valueOf(n.serving) !== true || lag === undefined || lag > maxLag;
            }),
          );
          const primaries = view.groups.flatMap((g) => g.primaries);
          // Several primaries serve, each of them; none of them is what the others follow.
          const one = view.groups.length > 0 && view.groups.every((g) => g.primaries.length === 1);
          const passes = one && late.length === 0;
          const judged = verdict('replicas-follow', {
            verdict: passes ? 'pass' : 'hold',
            observed: passes
              ? `every node of ${cluster.name} serves and follows`
              : !one
                ? `primaries of ${cluster.name}: ${primaries.join(', ') || 'none seen'}`
                : `${late.map((n) => n.id).join(', ')} of ${cluster.name}: down, or more than ${maxLag} behind, or not known`,
            required: `one primary; every node of ${cluster.name} serves, at most ${maxLag} behind its primary`,
          });
          if (passes || Date.now() >= deadline) return judged;
          ctx.heartbeat(judged.observed);
          await sleep(pollMs, ctx.signal);
        }
      }),

    hashRanges: ({ pair, runId, cut, side, ranges }) =>
      effect(runId, deps.secrets, async (ctx) => {
        const resumed = hashedBefore(ctx.resumed);
        const sums = new Map<string, TableHash>(resumed.sums.map((s) => [s.table, s]));
        let { done } = resumed;
        const facet = facetOf(deps, pair);
        for (const range of ranges.slice(done)) {
          const found = await facet.hashRange(pair, cut, side, range, {
            ...ctx,
            // What a range reports must not take the place of what this activity resumes by.
            heartbeat: () => ctx.heartbeat({ done, sums: [...sums.values()] }),
          });
          const before = sums.get(range.table);
          sums.set(range.table, {
            table: range.table,
            side,
            rows: (before?.rows ?? 0) + found.rows,
            sum: (BigInt(before?.sum ?? '0') + BigInt(found.sum)).toString(),
            void: before?.void === true || found.void === true,
          });
          done++;
          ctx.heartbeat({ done, sums: [...sums.values()] });
        }
        return [...sums.values()];
      }),

    locateMismatches: ({ pair, runId, cut, table, limit }) =>
      effect(runId, deps.secrets, (ctx) => facetOf(deps, pair).locate(pair, cut, table, { limit }, ctx)),

    compareDefinitions: ({ pair, runId }) =>
      effect(runId, deps.secrets, async (ctx) => {
        const differences = await facetOf(deps, pair).compareDefinitions(pair, ctx);
        const more = differences.length > 10 ? `; and ${differences.length - 10} more` : '';
        return verdict('definitions-equal', {
          verdict: differences.length === 0 ? 'pass' : 'hold',
          observed: differences.length === 0 ? 'equal' : `${differences.slice(0, 10).join('; ')}${more}`,
          required: 'every definition is the same on both sides',
        });
      }),

    findObstacles: ({ pair, runId, direction, migration }) =>
      effect(runId, deps.secrets, async (ctx) =>
        withoutAccepted(await facetOf(deps, pair).obstacles(pair, direction, ctx), migration),
      ),

    synchronousRequest: ({ pair, runId, direction }) =>
      effect(runId, deps.secrets, (ctx) => facetOf(deps, pair).synchronousRequest(pair, direction, ctx)),

    observeSides: ({ pair, runId }) =>
      effect(runId, deps.secrets, (ctx) => facetOf(deps, pair).open(pair, ctx)),
  };
}

/** The steps of a migration: each observes first, acts only if needed and verifies after. */
export function createMigrationChanging(deps: ActivityDependencies): MigrationChangingActivities {
  const on = <T>(
    { pair, runId }: PairTarget,
    body: (facet: MigrationFacet, ctx: EffectContext) => Promise<T>,
  ): Promise<T> => effect(runId, deps.secrets, (ctx) => body(facetOf(deps, pair), ctx));
  return {
    prepareMigration: (input) => on(input, (facet, ctx) => facet.prepare(input.pair, ctx)),
    exportSource: (input) => on(input, (facet, ctx) => facet.exportAt(input.pair, ctx)),
    createSchema: (input) => on(input, (facet, ctx) => facet.createSchema(input.pair, ctx)),
    copyRanges: (input) =>
      on(input, async (facet, ctx) => {
        const total = { rows: 0, bytes: 0 };
        for (const range of input.ranges) {
          const { rows, bytes } = await facet.copyRange(input.pair, input.cut, range, ctx);
          total.rows += rows;
          total.bytes += bytes;
          ctx.heartbeat(total);
        }
        return total;
      }),
    finishSchema: (input) => on(input, (facet, ctx) => facet.finishSchema(input.pair, ctx)),
    startStream: (input) =>
      on(input, (facet, ctx) =>
        facet.startStream(input.pair, input.direction, { synchronous: input.synchronous }, ctx),
      ),
    stopStream: (input) => on(input, (facet, ctx) => facet.stopStream(input.pair, input.direction, ctx)),
    makeCut: ({ pair, runId, ...options }) =>
      on({ pair, runId }, (facet, ctx) => withinItsTime(deps, facet, pair, options, ctx)),
    releaseCut: (input) => on(input, (facet, ctx) => facet.releaseCut(input.pair, input, ctx)),
    fenceSide: ({ pair, runId, direction, ...options }) =>
      on({ pair, runId }, (facet, ctx) => facet.fence(pair, direction, options, ctx)),
    unfenceSide: (input) => on(input, (facet, ctx) => facet.unfence(input.pair, input.direction, ctx)),
    openSide: (input) =>
      on(input, (facet, ctx) =>
        facet.cutOver(input.pair, input.direction, input.fence, input.validation, ctx),
      ),
    openSurvivor: (input) => on(input, (facet, ctx) => facet.openSurvivor(input.pair, ctx)),
    acceptMigration: (input) =>
      on(input, (facet, ctx) => facet.accept(input.pair, { without: input.without }, ctx)),
    discardMigration: ({ patienceMs, ...target }) =>
      on(target, async (facet, ctx) => {
        try {
          await facet.discard(target.pair, ctx);
        } catch (error) {
          const silent = error instanceof RollgateError && error.code === 'SYSTEM_UNREACHABLE';
          const final = silent && Date.now() >= Context.current().info.scheduledTimestampMs + patienceMs;
          throw final ? toFailure(error, deps.secrets, { final }) : error;
        }
      }),
  };
}

/** Attempts that are repeated have one time together: when it is over, what refused the cut is final. */
async function withinItsTime(
  deps: ActivityDependencies,
  facet: MigrationFacet,
  pair: Pair,
  options: Parameters<MigrationFacet['cut']>[1],
  ctx: EffectContext,
): Promise<Cut> {
  const deadline = Context.current().info.scheduledTimestampMs + options.timeoutMs;
  try {
    return await facet.cut(pair, { ...options, timeoutMs: Math.max(0, deadline - Date.now()) }, ctx);
  } catch (error) {
    const final = error instanceof RollgateError && error.code === 'CUT_REFUSED' && Date.now() >= deadline;
    throw final ? toFailure(error, deps.secrets, { final }) : error;
  }
}

interface Hashed {
  readonly done: number;
  readonly sums: readonly TableHash[];
}

/** What an attempt that died had told last; anything else means that nothing was done. */
function hashedBefore(told: unknown): Hashed {
  if (typeof told !== 'object' || told === null || !('done' in told) || !('sums' in told)) {
    return { done: 0, sums: [] };
  }
  return told as Hashed;
}
