import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { RollgateError, type ClusterSpec, type EffectContext } from '../../../contracts/index.js';
import { EtcdError, grpcCode, settingsOf, type EtcdClient } from '../client.js';
import { authRemedy, isAuthRefusal } from '../refusal.js';
import { readAsPrimary, type PrimaryView } from './primary-view.js';

/** How long refusals that pass by themselves are waited for: etcd wants 5 s of health before a change. */
const patienceMs = 15_000;
const pauseMs = 500;
/** A change is answered when it is committed; etcd itself gives it up after 5 s and two election timeouts. */
const changeMs = 8000;

export interface Change {
  /** For messages, e.g. `add etcd-4 as a learner`. */
  readonly what: string;
  readonly remedy: string;
  /** Whether the list shows it. */
  done(view: PrimaryView): boolean;
  /** What to ask for, from what the list shows now. May throw what forbids it. */
  request(view: PrimaryView): { readonly path: string; readonly body: unknown };
  /** Further refusals, by their words, that will not pass. */
  readonly final?: RegExp;
}

/**
 * Refusals that time heals, or that say that an earlier request of ours has been carried out: then the list shows it.
 * https://github.com/etcd-io/etcd/blob/main/api/v3rpc/rpctypes/error.go
 */
const passing =
  /unhealthy cluster|not enough started members|too many learner|Peer URLs already exists|member ID already exist|member not found|can only promote a learner member$/;

/**
 * Change the member list until it shows the change. The list is read before every request and after it, so a lost
 * answer is never taken for a failure; that a request is made twice does no harm, because etcd refuses the second
 * of the same peer address, the same removal and the same promotion when it applies them.
 * @throws SYSTEM_REFUSED with etcd's words, SYSTEM_UNREACHABLE, and what `request` throws
 */
export async function changeMembers(
  client: EtcdClient,
  cluster: ClusterSpec,
  change: Change,
  ctx: EffectContext,
): Promise<PrimaryView> {
  const end = Date.now() + patienceMs;
  let last: unknown;
  for (;;) {
    try {
      const view = await readAsPrimary(client, cluster, ctx);
      if (change.done(view)) return view;
      if (last !== undefined && Date.now() >= end) throw refused(change, last);
      await ask(client, cluster, view, change, ctx);
      last = undefined;
    } catch (error) {
      ctx.signal.throwIfAborted();
      if (!(error instanceof EtcdError) && !isUnreachable(error)) throw error;
      if (Date.now() >= end || isFinal(change, error)) throw refused(change, error);
      last = error;
    }
    ctx.heartbeat({ doing: change.what, last: last instanceof Error ? last.message : undefined });
    // A change that was acknowledged is looked for at once.
    if (last !== undefined) await delay(pauseMs, undefined, { signal: ctx.signal });
    else if (Date.now() >= end) last = new Error('it was acknowledged, and the list does not show it');
  }
}

async function ask(
  client: EtcdClient,
  cluster: ClusterSpec,
  view: PrimaryView,
  change: Change,
  ctx: EffectContext,
): Promise<void> {
  const { path, body } = change.request(view);
  const timeoutMs = Math.max(changeMs, settingsOf(cluster).requestTimeout);
  // Any member forwards it; the leader is asked because the others judge the health of the cluster by their own links.
  await client.post(cluster, view.leader, path, body, z.unknown(), { signal: ctx.signal, timeoutMs });
}

const isUnreachable = (error: unknown): boolean =>
  error instanceof RollgateError && error.code === 'SYSTEM_UNREACHABLE';

function isFinal(change: Change, error: unknown): boolean {
  if (!(error instanceof EtcdError)) return false;
  if (change.final?.test(error.message) === true || isAuthRefusal(error)) return true;
  const passes = [grpcCode.unavailable, grpcCode.deadlineExceeded].some((code) => code === error.code);
  return !passes && !passing.test(error.message);
}

function refused(change: Change, error: unknown): unknown {
  if (isUnreachable(error)) return error;
  const said = error instanceof Error ? error.message : String(error);
  return new RollgateError(
    'SYSTEM_REFUSED',
    `etcd does not ${change.what}: ${said}`,
    isAuthRefusal(error) ? authRemedy : change.remedy,
    { cause: error },
  );
}
