import type { Fence } from '../../contracts/fence.js';
import type { Gate } from '../../contracts/gate.js';
import type { Promotion } from '../../contracts/ports/data-system.js';
import { valueOf } from '../../contracts/observed.js';
import type { HandoverRecord } from '../../contracts/run.js';
import { findNode, type ClusterView, type NodeId } from '../../contracts/view.js';
import type { NextStep } from '../../planning/next-step.js';
import { act, actUrgently } from '../activities.js';
import { passGates, requirePass } from '../gates.js';
import {
  failStep,
  now,
  Overtaken,
  progressOf,
  setStatus,
  shielded,
  tell,
  type Run,
  upgradeOf,
} from '../run.js';
import { amend, borrow, borrowSettings, push, settle, takeBackFence } from '../saga.js';
import { allowedVersions } from './replace.js';
import { byTransfer, transfer } from './transfer.js';
import { handedOver, verifyPrimary } from './verify-primary.js';

type Handover = Extract<NextStep, { kind: 'handover' }>;

/** fence → measure → choose → promote → verify → release: R-ROLL 7. */
export async function handOver(
  run: Run,
  step: Handover,
  view: ClusterView,
  gates: readonly Gate[] = gatesBefore(run, step),
): Promise<void> {
  const { state } = run;
  const seen =
    (await passGates(run, {
      what: `before ${step.from} hands over`,
      timeoutMs: run.settings.timeouts.gate,
      node: step.from,
      gates,
    })) ?? view;
  const group = seen.groups.find((g) => g.id === step.group);
  if (group && group.primaries[0] !== step.from) {
    throw new Overtaken(`${step.from} is not the primary any more: ${group.primaries.join(', ')} is`);
  }
  const epoch = group && valueOf(group.epoch);
  if (!group || epoch === undefined) {
    failStep('STUCK', `the epoch of ${step.group} is not known`, 'Make the primary answer, then retry.');
  }
  const record: HandoverRecord = {
    group: step.group,
    from: step.from,
    epochBefore: epoch,
    startedAt: now(),
    result: 'in-progress',
  };
  state.handovers.push(record);
  let asked = false;
  tell(run, 'handover', `handover from ${step.from} begins; candidates ${step.candidates.join(', ')}`);
  try {
    const candidates = await makeReady(run, step, seen);
    const others = group.nodes.map((n) => n.id).filter((n) => n !== step.from);
    // From here on no operator's wish interrupts: the handover ends within its own time, done or restored.
    asked = byTransfer(run);
    await shielded(run, () =>
      asked
        ? transfer(run, step, record, { epoch, candidates, others })
        : change(run, step, record, { epoch, candidates, others }),
    );
  } catch (error) {
    record.endedAt = now();
    // Whether a transfer that was asked for has happened is observed before anything else is decided.
    record.result = record.promotedAt === undefined && !asked ? 'restored' : 'failed';
    throw error;
  }
}

function gatesBefore(run: Run, step: Handover): Gate[] {
  const { settings } = run;
  const { group, from, candidates } = step;
  const first = run.state.nodes.find((n) => n.id === candidates[0]);
  return [
    { gate: 'cluster-healthy', group, except: [] },
    { gate: 'one-primary', group },
    { gate: 'no-obstacles', group, accepted: settings.accept },
    { gate: 'quorum-without-node', node: from, acceptedWindows: settings.accept },
    { gate: 'others-in-sync', node: from, maxLag: settings.maxLag, except: [] },
    { gate: 'version-skew', group, versions: allowedVersions(run) },
    { gate: 'nothing-else-drained', node: from },
    {
      gate: 'candidate-in-sync',
      group,
      candidates,
      maxLag: settings.maxLag,
      version: (run.state.direction === 'forward' ? first?.to : first?.from) ?? upgradeOf(run).to,
    },
  ];
}

/** Everything that can be done while the old primary still serves. Returns the candidates that proved to replicate. */
async function makeReady(run: Run, step: Handover, view: ClusterView): Promise<readonly NodeId[]> {
  const { settings } = run;
  const { from, candidates, group } = step;
  const stop = findNode(view, from)?.stop;
  if (stop?.verdict === 'hold' && stop.window) await borrowSettings(run, stop.window.borrow);
  // A probe that has died, or whose time was up during a long approval, would leave the handover unmeasured.
  if (settings.probe.enabled) {
    await act('startProbe', 'make sure that the probe writes', { ...run.target, probe: settings.probe });
  }
  if (!byTransfer(run)) {
    push(run, { id: `prepare/${group}`, kind: 'unprepare', from, candidates });
    await act('prepareHandover', `prepare the handover from ${from}`, { ...run.target, from, candidates });
  }
  const canary = await act('proveReplication', `a canary from ${from} is read on ${candidates.join(', ')}`, {
    ...run.target,
    token: `handover/${from}/${now()}`,
    from,
    on: candidates,
    timeoutMs: settings.timeouts.drain,
    pollMs: settings.poll,
  });
  requirePass(
    run,
    { ...canary, node: from },
    'CANARY_MISSING',
    `Find out why the candidates do not receive what ${from} writes, then retry.`,
  );
  return candidates;
}

/** The part during which clients cannot write. */
async function change(
  run: Run,
  step: Handover,
  record: HandoverRecord,
  facts: { epoch: number; candidates: readonly NodeId[]; others: readonly NodeId[] },
): Promise<void> {
  const { state } = run;
  const { settings } = run;
  const { group, from } = step;
  const pollMs = Math.min(settings.poll, 20);
  const end = Date.parse(now()) + settings.timeouts.handover;
  const left = (): number => Math.max(1000, end - Date.parse(now()));

  for (const node of facts.others)
    push(run, { id: `upstream/${node}`, kind: 'restore-upstream', node, upstream: from });
  const fenceId = `fence/${from}`;
  borrow(
    run,
    {
      id: fenceId,
      kind: 'fence',
      node: from,
      name: 'the primary itself',
      formerValue: 'primary',
      value: 'fenced',
      borrowedAt: now(),
      giveBack: `start ${from} as primary again, unless another node is the primary`,
    },
    { id: fenceId, kind: 'unfence', group, node: from },
  );
  const { fence, chosen: ready } = await actUrgently('fencePrimary', `fence ${from}`, {
    ...run.target,
    group,
    node: from,
    candidates: facts.candidates,
    epoch: facts.epoch,
    timeoutMs: Math.min(settings.timeouts.stop, left()),
    pollMs,
  });
  state.fence = fence;
  record.fencedAt = fence.at;
  record.fencePosition = fence.position;
  tell(run, 'handover', `${from} is fenced at ${fence.position.text}`, from);

  const chosen =
    ready ??
    (await actUrgently('chooseCandidate', `choose a candidate at ${fence.position.text}`, {
      ...run.target,
      fence,
      candidates: facts.candidates,
      deadline: new Date(end).toISOString(),
      pollMs,
    }));
  record.to = chosen.node;
  record.candidatePosition = chosen.position;
  // Recorded before it is asked: a promotion that comes late must not meet an old primary put back.
  amend(run, { id: fenceId, kind: 'unfence', group, node: from, asked: chosen.node });
  if (Date.parse(now()) >= end) {
    failStep(
      'HANDOVER_TIMED_OUT',
      `the handover took longer than ${settings.timeouts.handover} ms`,
      'Both sides are put back as they were; retry at a calmer time or raise timeouts.handover.',
      from,
    );
  }
  const promotion = await actUrgently('promoteCandidate', `promote ${chosen.node}`, {
    ...run.target,
    candidate: chosen.node,
    fence,
    timeoutMs: left(),
    pollMs,
  });
  record.promotedAt = promotion.at;
  record.epochAfter = promotion.epoch;
  promoted(run, record, fence, promotion, facts.others);
  await completeHandover(run);
}

/** A new primary takes writes: from here there is only forward, and what was held against a failure is void. */
function promoted(
  run: Run,
  record: HandoverRecord,
  fence: Fence,
  promotion: Promotion,
  others: readonly NodeId[],
): void {
  const { state } = run;
  record.to = promotion.node;
  record.promotedAt = promotion.at;
  record.epochAfter = promotion.epoch;
  const ids = [`fence/${fence.node}`, `prepare/${fence.group}`, ...others.map((n) => `upstream/${n}`)];
  for (const id of ids) settle(run, id);
  // What could not be put back because the promotion had happened after all is not to be put back any more.
  state.leftUndone = state.leftUndone.filter((left) => !ids.includes(left.what));
  state.fence = undefined;
  state.release = { fence, promotion };
  // However the run ends, the old primary is not left down.
  push(run, { id: `rejoin/${fence.node}`, kind: 'rejoin', node: fence.node, upstream: promotion.node });
  tell(run, 'handover', `${promotion.node} is promoted, epoch ${promotion.epoch}`, promotion.node);
  setStatus(run, fence.node, 'drained');
}

/**
 * A promotion whose reply was lost: the fence still holds, and a fresh observation shows another primary on a
 * later epoch. Whether it was promoted at the fence, by us or by hand, the system verifies; then the handover has
 * happened, and the run goes on from there.
 */
export async function adoptPromotion(run: Run, view: ClusterView): Promise<void> {
  const { fence } = run.state;
  const group = view.groups.find((g) => g.id === fence?.group);
  const primary = group?.primaries[0];
  const epoch = group && valueOf(group.epoch);
  const record = run.state.handovers.at(-1);
  if (!fence || !group || !record || epoch === undefined || primary === undefined) return;
  if (group.primaries.length !== 1 || primary === fence.node || epoch <= fence.epoch) return;
  const promotion = await act('promoteCandidate', `verify that ${primary} was promoted at the fence`, {
    ...run.target,
    candidate: primary,
    fence,
    timeoutMs: run.settings.timeouts.handover,
    pollMs: Math.min(run.settings.poll, 20),
  });
  record.result = 'in-progress';
  const others = group.nodes.map((n) => n.id).filter((n) => n !== fence.node);
  promoted(run, record, fence, promotion, others);
  tell(run, 'handover', 'the promotion had happened', primary);
}

/**
 * A fence that is still in the ledger when no handover is under way: taking it back has failed. Until it has been
 * taken back nothing else is decided, because the cluster has no primary. True: it has been taken back now.
 */
export async function putBack(run: Run): Promise<boolean> {
  const { state } = run;
  const held = state.ledger.find((b) => b.kind === 'fence')?.node;
  if (held === undefined || state.release) return false;
  await takeBackFence(run, held, state.handovers.at(-1)?.to);
  settle(run, `fence/${held}`);
  const group = progressOf(run, held).group;
  for (const { id } of state.nodes.filter((n) => n.group === group && n.id !== held)) {
    await act('followPrimary', `let ${id} follow ${held}`, { ...run.target, node: id, upstream: held });
  }
  const healed = [`fence/${held}`, ...state.nodes.map((n) => `upstream/${n.id}`)];
  state.leftUndone = state.leftUndone.filter((left) => !healed.includes(left.what));
  tell(run, 'compensation', `undone at last: fence/${held}`, held);
  return true;
}

/** Verify a promotion and release what the handover held. Goes on where a failure has stopped it. */
export function completeHandover(run: Run): Promise<void> {
  return shielded(run, () => complete(run));
}

async function complete(run: Run): Promise<void> {
  const { state } = run;
  if (!state.release) return;
  const { fence, promotion } = state.release;
  const { group, node: primary } = promotion;
  const replicas = state.nodes
    .filter((n) => n.group === group && n.id !== primary && n.id !== fence.node)
    .map((n) => n.id);
  await verifyPrimary(run, { group, primary, replicas, above: fence.epoch });
  await actUrgently('releaseFence', `release ${fence.node}`, { ...run.target, fence, promotion });
  state.release = undefined;
  const record = state.handovers.at(-1);
  if (record) handedOver(run, record, promotion, fence.epoch);
}
