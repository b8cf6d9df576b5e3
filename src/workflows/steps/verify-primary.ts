import type { Promotion } from '../../contracts/ports/data-system.js';
import type { HandoverRecord } from '../../contracts/run.js';
import type { GroupId, NodeId } from '../../contracts/view.js';
import { actUrgently } from '../activities.js';
import { passGates, requirePass } from '../gates.js';
import { now, tell, type Run } from '../run.js';

/** The new primary alone takes writes, on a later epoch; the replicas follow it and receive what it writes. */
export async function verifyPrimary(
  run: Run,
  facts: { group: GroupId; primary: NodeId; replicas: readonly NodeId[]; above: number },
): Promise<void> {
  const { settings } = run;
  const { group, primary, replicas, above } = facts;
  const pollMs = Math.min(settings.poll, 20);
  await passGates(run, {
    what: `${primary} is the one primary`,
    timeoutMs: settings.timeouts.handover,
    node: primary,
    urgent: true,
    gates: [
      { gate: 'epoch-grew', group, node: primary, above },
      { gate: 'replicas-follow', group, primary, replicas },
    ],
  });
  const canary = await actUrgently('proveReplication', `a canary from ${primary} is read on its replicas`, {
    ...run.target,
    token: `promoted/${primary}/${now()}`,
    from: primary,
    on: replicas,
    timeoutMs: settings.timeouts.handover,
    pollMs,
  });
  requirePass(
    run,
    { ...canary, node: primary },
    'CANARY_MISSING',
    `Find out why the replicas do not receive what ${primary} writes, then retry.`,
  );
}

/** The handover has happened and was verified. */
export function handedOver(
  run: Run,
  record: HandoverRecord,
  { node, group, epoch }: Promotion,
  before: number,
): void {
  record.result = 'done';
  record.endedAt = now();
  tell(run, 'handover', `${node} is the primary of ${group}, epoch ${before} → ${epoch}`, node);
}
