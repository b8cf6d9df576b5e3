import {
  fenceFrom,
  nodeSpec,
  RollgateError,
  type ClusterSpec,
  type EffectContext,
  type Fence,
  type HandoverFacet,
  type Host,
  type LaunchSpec,
  type NodeSpec,
} from '../../contracts/index.js';
import type { Sessions } from './connection.js';
import { parseControlFile, type ControlFile } from './control-file.js';
import { parseLsn } from './lsn.js';
import { primariesOf } from './primary.js';
import { repoint, standbySignal } from './replica.js';
import { dropIdleSlots, ensureSlot, slotInUse, slotOf } from './slots.js';
import { waitUntil } from './wait.js';

export interface HandoverDependencies {
  readonly sessions: Sessions;
  readonly host: (node: NodeSpec) => Host;
  readonly launch: (cluster: ClusterSpec, node: string) => LaunchSpec;
}

const controlFile = 'global/pg_control';
/** How often a promotion is looked for, ms: clients wait for it. */
const promotionPollMs = 5;

/**
 * The handover of PostgreSQL. The fence is a clean (fast) shutdown: the server ends all sessions, ships its whole
 * log with a shutdown checkpoint as the last record to the replicas, and exits
 * (https://www.postgresql.org/docs/17/server-shutdown.html). Its control file then says where the log ends, and a
 * standby.signal in its data directory makes whoever starts it get a standby and no second primary.
 */
export function createHandover(deps: HandoverDependencies): HandoverFacet {
  const { sessions } = deps;
  return {
    prepare: (cluster, from, candidates) => prepare(sessions, cluster, from, candidates),

    async unprepare(cluster, _from, candidates) {
      for (const id of candidates) await sessions.on(cluster, id, (client) => dropIdleSlots(client, cluster));
    },

    fence: (cluster, primary, options, ctx) => fence(deps, cluster, primary, options, ctx),
    unfence: (cluster, primary, options, ctx) => unfence(deps, cluster, primary, options, ctx),

    async applied(cluster, candidates) {
      const answers = await Promise.all(
        candidates.map((node) =>
          sessions.on(cluster, node, async (client) => {
            const { rows } = await client.query<{ at: string | null }>(
              'SELECT pg_last_wal_replay_lsn()::text AS at',
            );
            const at = rows[0]?.at;
            return at === null || at === undefined ? [] : [{ node, position: parseLsn(at) }];
          }),
        ),
      );
      return answers.flat();
    },

    promote: (cluster, candidate, held, options, ctx) =>
      promote(deps, cluster, candidate, held, options, ctx),

    async release(cluster, held, promotion, ctx) {
      const spec = nodeSpec(cluster, held.node);
      await deps.host(spec).setFence(spec, undefined, ctx);
      const replicas = cluster.nodes.filter((n) => n.id !== held.node && n.id !== promotion.node);
      for (const { id } of replicas)
        await sessions.on(cluster, id, (client) => dropIdleSlots(client, cluster));
    },
  };
}

/** Flush what the shutdown would have to, and make the slots that replicas will use on each candidate. */
async function prepare(
  sessions: Sessions,
  cluster: ClusterSpec,
  from: string,
  candidates: readonly string[],
): Promise<void> {
  const usesSlots = await Promise.all(
    candidates.map((id) =>
      sessions.on(cluster, id, async (client) => (await slotInUse(client)) !== undefined),
    ),
  );
  await Promise.all(
    candidates.map((id) =>
      sessions.on(
        cluster,
        id,
        async (client) => {
          if (usesSlots.some(Boolean)) {
            for (const other of cluster.nodes.filter((n) => n.id !== id))
              await ensureSlot(client, slotOf(other.id));
          }
          await client.query('CHECKPOINT');
        },
        { statementTimeoutMs: 300_000 },
      ),
    ),
  );
  await sessions.on(cluster, from, (client) => client.query('CHECKPOINT'), { statementTimeoutMs: 300_000 });
}

async function fence(
  deps: HandoverDependencies,
  cluster: ClusterSpec,
  primary: string,
  options: { epoch: number; timeoutMs: number; pollMs: number },
  ctx: EffectContext,
): Promise<Fence> {
  const spec = nodeSpec(cluster, primary);
  const host = deps.host(spec);
  const launch = deps.launch(cluster, primary);
  const status = await host.status(spec, launch, ctx);
  if (status.kind === 'unknown') throw hostUnknown(primary, status.reason);
  if (status.kind === 'running') {
    await requirePrimary(deps.sessions, cluster, primary, options.epoch);
    await host.stop(spec, launch, { timeoutMs: options.timeoutMs, pollMs: Math.min(options.pollMs, 5) }, ctx);
  }
  const control = await readControl(host, spec, ctx);
  if (!control.cleanPrimary || control.timeline !== options.epoch) {
    throw new RollgateError(
      'FENCE_UNCLEAN',
      `${primary} did not shut down cleanly as the primary of timeline ${options.epoch} (its control file: ${describe(control)})`,
      'Both sides are put back as they were. Look at its log for why, then retry.',
    );
  }
  await Promise.all([host.writeFile(spec, standbySignal, '', ctx), host.setFence(spec, ctx.runId, ctx)]);
  return fenceFrom({
    group: spec.group,
    node: primary,
    epoch: options.epoch,
    position: control.end,
    stopped: true,
    clean: true,
    guard: `${standbySignal} makes a foreign start a read-only standby; the host refuses ours`,
    at: new Date().toISOString(),
  });
}

async function requirePrimary(
  sessions: Sessions,
  cluster: ClusterSpec,
  primary: string,
  epoch: number,
): Promise<void> {
  const row = await sessions.on(cluster, primary, async (client) => {
    const { rows } = await client.query<{ replica: boolean; timeline: number | null }>(
      `SELECT pg_is_in_recovery() AS replica,
              CASE WHEN NOT pg_is_in_recovery()
                   THEN ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END AS timeline`,
    );
    return rows[0];
  });
  if (row?.replica !== false) {
    throw new RollgateError(
      'NOT_PRIMARY',
      `${primary} is not the primary`,
      'Nothing was changed; the run observes again.',
    );
  }
  if (row.timeline !== epoch) {
    throw new RollgateError(
      'PRIMARY_MOVED',
      `${primary} is on timeline ${row.timeline ?? 'unknown'}, the handover was decided on ${epoch}`,
      'Nothing was changed; the run observes again.',
    );
  }
}

async function unfence(
  deps: HandoverDependencies,
  cluster: ClusterSpec,
  primary: string,
  options: { timeoutMs: number; pollMs: number },
  ctx: EffectContext,
): Promise<void> {
  const { sessions } = deps;
  const others = (await primariesOf(sessions, cluster)).filter((id) => id !== primary);
  if (others.length > 0) {
    throw new RollgateError(
      'PRIMARY_MOVED',
      `${others.join(', ')} is the primary by now, so ${primary} is not put back`,
      `Leave ${primary} to the run: it becomes a replica.`,
    );
  }
  const spec = nodeSpec(cluster, primary);
  const host = deps.host(spec);
  const launch = deps.launch(cluster, primary);
  const status = await host.status(spec, launch, ctx);
  if (status.kind === 'unknown') throw hostUnknown(primary, status.reason);
  await host.setFence(spec, undefined, ctx);
  await host.removeFile(spec, standbySignal, ctx);
  if (status.kind === 'running' && !(await isPrimary(sessions, cluster, primary))) {
    // Somebody started it as a standby meanwhile. Nothing was written since the fence: it may be primary again.
    await host.stop(spec, launch, options, ctx);
  }
  await host.start(spec, launch, ctx);
  const back = await waitUntil(() => isPrimary(sessions, cluster, primary), { ...options, pollMs: 50 }, ctx);
  if (back) return;
  throw new RollgateError(
    'NODE_UNHEALTHY',
    `${primary} was started again but is no writable primary after ${options.timeoutMs} ms`,
    `Look at the log of ${primary}.`,
  );
}

async function isPrimary(sessions: Sessions, cluster: ClusterSpec, id: string): Promise<boolean> {
  return (await primariesOf(sessions, { ...cluster, nodes: [nodeSpec(cluster, id)] })).length === 1;
}

async function promote(
  deps: HandoverDependencies,
  cluster: ClusterSpec,
  candidate: string,
  held: Fence,
  options: { timeoutMs: number; pollMs: number },
  ctx: EffectContext,
) {
  const { sessions } = deps;
  const others = cluster.nodes.filter(
    (n) => n.id !== candidate && n.id !== held.node && n.group === held.group,
  );
  const repointOthers = (): Promise<PromiseSettledResult<void>[]> =>
    // A replica that cannot be re-pointed must not keep the cluster without a primary; the gates after the
    // promotion see it, and the run follows up.
    Promise.allSettled(others.map((n) => repoint(sessions, cluster, n.id, candidate)));
  return sessions.on(
    cluster,
    candidate,
    async (client) => {
      const read = async () => {
        const { rows } = await client.query<{ replica: boolean; replayed: string | null }>(
          'SELECT pg_is_in_recovery() AS replica, pg_last_wal_replay_lsn()::text AS replayed',
        );
        return rows[0];
      };
      const before = await read();
      let pointed: Promise<unknown> = Promise.resolve();
      if (before?.replica === true) {
        await Promise.all([
          verifyFence(deps, cluster, held, ctx),
          requireNoOtherPrimary(sessions, { ...cluster, nodes: others }),
        ]);
        requireExactPosition(candidate, before.replayed, held);
        // https://www.postgresql.org/docs/17/functions-admin.html: wait=false, because its own wait polls slowly.
        pointed = repointOthers();
        await client.query('SELECT pg_promote(false)');
        const done = await waitUntil(
          async () => (await read())?.replica === false,
          { timeoutMs: options.timeoutMs, pollMs: promotionPollMs },
          ctx,
        );
        if (!done) throw unverified(candidate, `is still in recovery after ${options.timeoutMs} ms`);
      } else {
        requirePromotedThere(candidate, before?.replayed ?? null, held);
        pointed = repointOthers();
      }
      const { rows } = await client.query<{ timeline: number }>(
        "SELECT ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int AS timeline",
      );
      const timeline = rows[0]?.timeline;
      if (timeline !== held.epoch + 1) {
        throw new RollgateError(
          'PRIMARY_MOVED',
          `${candidate} is a primary on timeline ${timeline ?? 'unknown'}, the promotion would have made ${held.epoch + 1}`,
          'Somebody else has promoted. The run observes again and goes on from there.',
        );
      }
      const at = new Date().toISOString();
      await pointed;
      return { group: held.group, node: candidate, epoch: timeline, at };
    },
    { statementTimeoutMs: options.timeoutMs },
  );
}

/** The fence holds now: the process is gone, and its log still ends where it ended. */
async function verifyFence(
  deps: HandoverDependencies,
  cluster: ClusterSpec,
  held: Fence,
  ctx: EffectContext,
): Promise<void> {
  const spec = nodeSpec(cluster, held.node);
  const host = deps.host(spec);
  const status = await host.status(spec, deps.launch(cluster, held.node), ctx);
  const control = await readControl(host, spec, ctx);
  if (status.kind === 'stopped' && control.cleanPrimary && control.end.offset === held.position.offset)
    return;
  throw new RollgateError(
    'FENCE_VOID',
    `the fence of ${held.node} at ${held.position.text} does not hold: the process is ${status.kind}, its control file says ${describe(control)}`,
    'Nothing was promoted. Find out who started it, then retry.',
  );
}

function requireExactPosition(candidate: string, replayed: string | null, held: Fence): void {
  if (replayed !== null && parseLsn(replayed).offset === held.position.offset) return;
  throw new RollgateError(
    'CANDIDATE_BEHIND',
    `${candidate} has applied ${replayed ?? 'nothing'}, the fence is at ${held.position.text}`,
    'Nothing was promoted; both sides are put back as they were.',
  );
}

/** Somebody may have promoted another replica by hand since the fence: a second one would be a split brain. */
async function requireNoOtherPrimary(sessions: Sessions, others: ClusterSpec): Promise<void> {
  const primaries = await primariesOf(sessions, others);
  if (primaries.length === 0) return;
  throw new RollgateError(
    'PRIMARY_MOVED',
    `${primaries.join(' and ')} is a primary by now`,
    'Nothing was promoted. The run observes again and goes on from there.',
  );
}

/**
 * A candidate that is a primary already was promoted at the fence, by us or by hand, or it has left writes behind.
 * A server that was restarted since no longer says what it had replayed; its timeline is then all there is.
 */
function requirePromotedThere(candidate: string, replayed: string | null, held: Fence): void {
  if (replayed === null || parseLsn(replayed).offset === held.position.offset) return;
  throw new RollgateError(
    'PRIMARY_MOVED',
    `${candidate} was promoted by somebody else at ${replayed}, the fence is at ${held.position.text}`,
    `Nothing was changed. If it was promoted before it had everything, the writes up to ${held.position.text} are on ${held.node} only.`,
  );
}

async function readControl(host: Host, spec: NodeSpec, ctx: EffectContext): Promise<ControlFile> {
  const bytes = await host.readFile(spec, controlFile, ctx);
  if (bytes) return parseControlFile(bytes);
  throw hostUnknown(spec.id, `no ${controlFile} in its data directory`);
}

const describe = (control: ControlFile): string =>
  `${control.cleanPrimary ? 'shut down' : control.cleanStandby ? 'shut down in recovery' : 'not shut down'}, timeline ${control.timeline}, end ${control.end.text}`;

const hostUnknown = (node: string, reason: string): RollgateError =>
  new RollgateError(
    'HOST_UNKNOWN',
    `the state of ${node} on its host is unknown: ${reason}`,
    'The call is repeated by itself.',
  );

const unverified = (node: string, seen: string): RollgateError =>
  new RollgateError(
    'PROMOTION_UNVERIFIED',
    `${node} ${seen}`,
    'The run observes again; look at the log of the node.',
  );
