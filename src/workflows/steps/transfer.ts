import { valueOf } from '../../contracts/observed.js';
import type { HandoverRecord } from '../../contracts/run.js';
import type { GroupId, NodeId } from '../../contracts/view.js';
import { actUrgently } from '../activities.js';
import { passGates } from '../gates.js';
import { now, shielded, tell, type Run } from '../run.js';
import { handedOver, verifyPrimary } from './verify-primary.js';

/** Whether the system moves its primary by an operation of its own. */
export const byTransfer = (run: Run): boolean => run.state.plan?.means?.handover === 'transfer';

/**
 * A system that moves its primary by one committed operation: the old primary is fenced by the new epoch, takes no
 * part in the choice, and goes on as a replica.
 */
export async function transfer(
  run: Run,
  { group, from }: { readonly group: GroupId; readonly from: NodeId },
  record: HandoverRecord,
  facts: { epoch: number; candidates: readonly NodeId[]; others: readonly NodeId[] },
): Promise<void> {
  const { timeouts, poll } = run.settings;
  const { epoch, candidates, others } = facts;
  const promotion = await actUrgently('transferPrimary', `transfer the primary from ${from}`, {
    ...run.target,
    ...{ group, from, candidates, epoch, timeoutMs: timeouts.handover, pollMs: Math.min(poll, 20) },
  });
  record.to = promotion.node;
  record.promotedAt = promotion.at;
  record.epochAfter = promotion.epoch;
  const replicas = [...others.filter((n) => n !== promotion.node), from];
  await verifyPrimary(run, { group, primary: promotion.node, replicas, above: epoch });
  handedOver(run, record, promotion, epoch);
}

/**
 * A transfer that has failed, of which it is not known whether it happened, or which was not verified to the end:
 * who leads now says which. One that happened is verified like any other and done. True: the view is old.
 */
export async function settleTransfer(run: Run): Promise<boolean> {
  const { state, settings } = run;
  const record = state.handovers.at(-1);
  if (!byTransfer(run) || record?.result !== 'failed') return false;
  const { group, from } = record;
  const view = await passGates(run, {
    what: `who is the primary after the transfer from ${from}`,
    timeoutMs: settings.timeouts.gate,
    node: from,
    gates: [{ gate: 'one-primary', group }],
  });
  const seen = view?.groups.find((g) => g.id === group);
  const [primary, epoch] = [seen?.primaries[0], seen && valueOf(seen.epoch)];
  if (!seen || primary === undefined || epoch === undefined) return false;
  if (primary === from) {
    record.result = 'restored';
    tell(run, 'handover', `${from} is the primary still`, from);
    return true;
  }
  const replicas = seen.nodes.map((n) => n.id).filter((n) => n !== primary);
  const above = record.epochBefore ?? epoch;
  await shielded(run, () => verifyPrimary(run, { group, primary, replicas, above }));
  const promotion = { group, node: primary, epoch, at: record.promotedAt ?? now() };
  record.to = primary;
  record.promotedAt = promotion.at;
  record.epochAfter = epoch;
  handedOver(run, record, promotion, above);
  return true;
}
