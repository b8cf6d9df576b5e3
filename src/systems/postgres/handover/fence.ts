import {
  fenceFrom,
  nodeSpec,
  RollgateError,
  type ClusterSpec,
  type EffectContext,
  type Fence,
  type Host,
  type NodeSpec,
} from '../../../contracts/index.js';
import { standbySignal } from '../replica.js';
import type { HandoverDependencies } from './dependencies.js';
import { requireIdentity } from './identity.js';
import { describeControl, hostUnknown, readControl } from './node-state.js';

/** Stop the primary cleanly, guard it against a foreign start, read where its log ends. */
export async function fence(
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
    const [identity, before] = await Promise.all([
      requirePrimary(deps, cluster, primary, options.epoch),
      readControl(host, spec, ctx),
    ]);
    const expected = { identity: before.systemIdentifier, source: `the data directory of ${primary}` };
    requireIdentity(cluster, { id: primary, identity }, expected);
    // The guard comes first: it does nothing while the server runs, and there is no moment without it afterwards.
    await guard(host, spec, ctx);
    await host.stop(spec, launch, { timeoutMs: options.timeoutMs, pollMs: Math.min(options.pollMs, 5) }, ctx);
  }
  const control = await readControl(host, spec, ctx);
  if (!control.cleanPrimary || control.timeline !== options.epoch) {
    throw new RollgateError(
      'FENCE_UNCLEAN',
      `${primary} did not shut down cleanly as the primary of timeline ${options.epoch} (its control file: ${describeControl(control)})`,
      'Both sides are put back as they were. Look at its log for why, then retry.',
    );
  }
  // Nothing is written again, unless somebody has taken the guard away since.
  await guard(host, spec, ctx);
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

async function guard(host: Host, spec: NodeSpec, ctx: EffectContext): Promise<void> {
  await Promise.all([host.writeFile(spec, standbySignal, '', ctx), host.setFence(spec, ctx.runId, ctx)]);
}

/** Its system identifier. */
async function requirePrimary(
  { sessions }: HandoverDependencies,
  cluster: ClusterSpec,
  primary: string,
  epoch: number,
): Promise<string> {
  const row = await sessions.on(
    cluster,
    primary,
    async (client) => {
      const { rows } = await client.query<{ replica: boolean; timeline: number | null; identity: string }>(
        `SELECT pg_is_in_recovery() AS replica,
                (SELECT system_identifier::text FROM pg_control_system()) AS identity,
                CASE WHEN NOT pg_is_in_recovery()
                     THEN ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END AS timeline`,
      );
      return rows[0];
    },
    { fresh: true },
  );
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
  return row.identity;
}
