import { nodeSpec, RollgateError, type ClusterSpec, type EffectContext } from '../../../contracts/index.js';
import { standbySignal } from '../replica.js';
import { waitUntil } from '../../wait.js';
import type { HandoverDependencies } from './dependencies.js';
import {
  describeControl,
  hostUnknown,
  isPrimary,
  othersOf,
  readControl,
  requireNoPrimary,
} from './node-state.js';

interface Limits {
  readonly timeoutMs: number;
  readonly pollMs: number;
}

/** Put a fenced primary back, once it is certain that no other node is a primary or becomes one by our asking. */
export async function unfence(
  deps: HandoverDependencies,
  cluster: ClusterSpec,
  primary: string,
  options: Limits & { asked?: string },
  ctx: EffectContext,
): Promise<void> {
  const spec = nodeSpec(cluster, primary);
  const host = deps.host(spec);
  const launch = deps.launch(cluster, primary);
  const status = await host.status(spec, launch, ctx);
  if (status.kind === 'unknown') throw hostUnknown(primary, status.reason);
  const others = othersOf(cluster, primary);
  await requireNoPrimary(deps, cluster, others, `Leave ${primary} to the run: it becomes a replica.`, ctx);
  const isBack = status.kind === 'running' && (await isPrimary(deps, cluster, primary, ctx));
  // It is started as primary only after this, so one that is back proves that this was done.
  if (!isBack && options.asked !== undefined) {
    await withdrawPromotion(deps, cluster, primary, options.asked, options, ctx);
  }
  await host.setFence(spec, undefined, ctx);
  await host.removeFile(spec, standbySignal, ctx);
  if (!isBack) {
    // Somebody started it as a standby meanwhile. Nothing was written since the fence: it may be primary again.
    if (status.kind === 'running') await host.stop(spec, launch, options, ctx);
    await host.start(spec, launch, ctx);
    await awaitRole(deps, cluster, primary, 'primary', options, ctx);
  }
  if (options.asked === undefined) return;
  const candidate = nodeSpec(cluster, options.asked);
  await deps.host(candidate).start(candidate, deps.launch(cluster, options.asked), ctx);
  await awaitRole(deps, cluster, options.asked, 'replica', options, ctx);
}

/**
 * pg_promote returns before the server acts on it, so a promotion that was asked for can still come. A server that
 * is stopped promotes no more, and forgets the request when it starts
 * (https://www.postgresql.org/docs/17/functions-admin.html#FUNCTIONS-RECOVERY-CONTROL); its control file says
 * whether it was stopped before or after.
 */
async function withdrawPromotion(
  deps: HandoverDependencies,
  cluster: ClusterSpec,
  primary: string,
  asked: string,
  limits: Limits,
  ctx: EffectContext,
): Promise<void> {
  const spec = nodeSpec(cluster, asked);
  const host = deps.host(spec);
  const launch = deps.launch(cluster, asked);
  await host.stop(spec, launch, limits, ctx);
  const control = await readControl(host, spec, ctx);
  // Also one that was killed: a promotion is written there before the first write is taken.
  if (control.inRecovery) return;
  await host.start(spec, launch, ctx);
  throw new RollgateError(
    'PRIMARY_MOVED',
    `${asked} was promoted before it could be stopped (its control file: ${describeControl(control)}), so ${primary} is not put back`,
    `Leave ${primary} to the run: it becomes a replica.`,
  );
}

async function awaitRole(
  deps: HandoverDependencies,
  cluster: ClusterSpec,
  id: string,
  role: 'primary' | 'replica',
  limits: Limits,
  ctx: EffectContext,
): Promise<void> {
  const answers = (): Promise<boolean> =>
    deps.sessions
      .on(cluster, id, async (client) => {
        const { rows } = await client.query<{ primary: boolean }>(
          'SELECT NOT pg_is_in_recovery() AS primary',
        );
        return rows[0]?.primary === (role === 'primary');
      })
      .catch((error: unknown) => {
        if (error instanceof RollgateError && error.code === 'SYSTEM_UNREACHABLE') return false;
        throw error;
      });
  if (await waitUntil(answers, { ...limits, pollMs: 50 }, ctx)) return;
  throw new RollgateError(
    'NODE_UNHEALTHY',
    `${id} was started again but does not answer as a ${role} after ${limits.timeoutMs} ms`,
    `Look at the log of ${id}.`,
  );
}
