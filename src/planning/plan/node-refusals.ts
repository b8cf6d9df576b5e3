import type { Refusal } from '../../contracts/plan.js';
import { valueOf, type Observed } from '../../contracts/observed.js';
import type { GroupView, NodeView } from '../../contracts/view.js';
import { isDistance } from '../gate/facts.js';
import { solePrimary } from '../gate/primary.js';
import type { PlanInput } from './input.js';
import { orAccept } from './windows.js';

const again = 'then plan again.';

/** Why one node forbids a run. `changes`: it would be taken down. */
export function nodeRefusals(
  input: PlanInput,
  group: GroupView,
  node: NodeView,
  changes: boolean,
): readonly Refusal[] {
  const unreachable = unreachableRefusal(node);
  if (unreachable) return [unreachable];
  const dark = darkFacts(group, node, changes);
  if (dark.length > 0) {
    return [
      {
        code: 'NODE_STATE_UNKNOWN',
        node: node.id,
        message: `not known of ${node.id}: ${dark.join('; ')}`,
        remedy: `Let the observing user read it (the system's page in the docs lists the privileges), ${again}`,
      },
    ];
  }
  return [
    ...servingRefusals(node),
    ...syncRefusals(input, group, node),
    ...(changes ? stopRefusals(input, node) : []),
  ];
}

export function unreachableRefusal(node: NodeView): Refusal | undefined {
  if (valueOf(node.reachable) === true) return undefined;
  const why = node.reachable.kind === 'unknown' ? `: ${node.reachable.reason}` : '';
  return {
    code: 'NODE_UNREACHABLE',
    node: node.id,
    message: `${node.id} (${node.address}) does not answer${why}`,
    remedy: `Bring ${node.id} back, or make it reachable from the worker, ${again}`,
  };
}

/**
 * Every fact that a gate of the run will ask for: better refused now than held with a node out of service, or
 * between promotion and release.
 */
function darkFacts(group: GroupView, node: NodeView, changes: boolean): string[] {
  const isPrimary = group.primaries.includes(node.id);
  const facts: (readonly [string, Observed<unknown>])[] = [
    ['its role', node.role],
    ['its version', node.version],
    ['whether it serves', node.serving],
    ['which cluster its data belongs to', node.identity],
    ['its epoch', node.epoch],
  ];
  if (!isPrimary) {
    facts.push(['whether it is in sync', node.inSync], ['its lag', node.lag]);
    facts.push(['which node it follows', node.upstream]);
    if (changes) facts.push(['its client transactions', node.inFlight]);
  }
  const dark = facts.flatMap(([what, fact]) => (fact.kind === 'unknown' ? [`${what} (${fact.reason})`] : []));
  if (changes && node.stop.verdict === 'unknown') {
    dark.push(`whether it can be taken down (${node.stop.evidence})`);
  }
  return dark;
}

function servingRefusals(node: NodeView): Refusal[] {
  if (valueOf(node.serving) === true) return [];
  return [
    {
      code: 'NODE_NOT_SERVING',
      node: node.id,
      message: `${node.id} (${node.address}) answers, but does not serve clients`,
      remedy: `Let ${node.id} finish starting, or see its log, ${again}`,
    },
  ];
}

function syncRefusals({ upgrade, view }: PlanInput, group: GroupView, node: NodeView): Refusal[] {
  if (group.primaries.includes(node.id)) return [];
  const refusals: Refusal[] = [];
  const lag = valueOf(node.lag) ?? Number.NaN;
  const within = isDistance(lag) && lag <= upgrade.maxLag;
  if (valueOf(node.inSync) !== true || !within) {
    const state = valueOf(node.inSync) === true ? 'in sync' : 'not in sync';
    refusals.push({
      code: 'NOT_IN_SYNC',
      node: node.id,
      message: `${node.id} is ${state} and lags ${lag} ${view.positionUnit}; in sync and at most ${upgrade.maxLag} ${view.positionUnit} are needed`,
      remedy: `Let ${node.id} catch up, ${again}`,
    });
  }
  const primary = solePrimary(group);
  const upstream = valueOf(node.upstream);
  if (primary !== undefined && upstream !== primary) {
    refusals.push({
      code: 'NOT_FOLLOWING_PRIMARY',
      node: node.id,
      message: `${node.id} follows ${upstream ?? 'no node'}, not the primary ${primary}`,
      remedy: `Make ${node.id} follow ${primary} directly (cascades are not rolled), ${again}`,
    });
  }
  return refusals;
}

/** The system's own word on quorum and redundancy without the node. */
function stopRefusals({ upgrade }: PlanInput, node: NodeView): Refusal[] {
  const { verdict, evidence, window } = node.stop;
  if (verdict !== 'hold' || (window && upgrade.accept.includes(window.name))) return [];
  return [
    {
      code: 'NO_QUORUM',
      node: node.id,
      message: `${node.id} cannot be taken down: ${evidence}`,
      remedy: orAccept(
        'Add a replica, or wait until the others are in sync, then plan again.',
        window?.name,
        window?.risk,
      ),
      acceptAs: window?.name,
    },
  ];
}
