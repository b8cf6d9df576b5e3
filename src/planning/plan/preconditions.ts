import type { PlanNode, PlanStep, Refusal } from '../../contracts/plan.js';
import { findNode } from '../../contracts/view.js';
import { artifactRefusals } from './artifact-refusals.js';
import { groupRefusals } from './group-refusals.js';
import type { PlanInput } from './input.js';
import { nodeRefusals, unreachableRefusal } from './node-refusals.js';
import { versionRefusals } from './version-refusals.js';
import { orAccept } from './windows.js';

/** Every reason why a run that changes something must not start (R-PLAN 2). */
export function refusalsOf(
  input: PlanInput,
  changes: readonly PlanNode[],
  steps: readonly PlanStep[],
): readonly Refusal[] {
  return [
    ...membershipRefusals(input),
    ...stateRefusals(input, changes),
    ...versionRefusals(input, changes),
    ...artifactRefusals(input, changes),
    ...probeRefusals(input),
    ...approvalRefusals(input, steps),
  ];
}

/**
 * Why "every node is on the target" cannot be said: a member that has not answered, or an answer from somebody
 * else. What is wrong with the cluster otherwise is no reason to refuse doing nothing.
 */
export function refusalsOfDone(input: PlanInput): readonly Refusal[] {
  return [
    ...membershipRefusals(input),
    ...input.view.groups.flatMap((g) => g.nodes.flatMap((n) => unreachableRefusal(n) ?? [])),
    ...input.view.groups.flatMap((g) => groupRefusals(input, g, []).filter((r) => r.code === 'FOREIGN_NODE')),
  ];
}

/** What is wrong with the cluster itself, whatever the target. */
export function stateRefusals(input: PlanInput, changes: readonly PlanNode[]): readonly Refusal[] {
  return [
    ...input.view.groups.flatMap((group) => [
      ...groupRefusals(input, group, changes),
      ...group.nodes.flatMap((node) =>
        nodeRefusals(
          input,
          group,
          node,
          changes.some((c) => c.id === node.id),
        ),
      ),
    ]),
    ...obstacleRefusals(input),
  ];
}

/** The cluster file and the observation must speak of the same nodes. */
function membershipRefusals({ cluster, view }: PlanInput): Refusal[] {
  const missing = cluster.nodes.filter((n) => !findNode(view, n.id));
  const surplus = view.groups
    .flatMap((g) => g.nodes)
    .filter((n) => !cluster.nodes.some((declared) => declared.id === n.id));
  return [
    ...missing.map((n) => ({
      code: 'NODE_UNREACHABLE',
      node: n.id,
      message: `${n.id} (${n.address}) is in the cluster file, but was not observed`,
      remedy: `Make ${n.id} reachable from the worker, then plan again.`,
    })),
    ...surplus.map((n) => ({
      code: 'FOREIGN_NODE',
      node: n.id,
      message: `${n.id} (${n.address}) was observed, but is not in the cluster file`,
      remedy: `Add ${n.id} to the cluster file, or take it out of the cluster, then plan again.`,
    })),
  ];
}

const obstacleRefusals = ({ view, upgrade }: PlanInput): Refusal[] =>
  view.obstacles
    .filter((o) => o.acceptAs === undefined || !upgrade.accept.includes(o.acceptAs))
    .map((o) => ({
      code: o.code,
      node: o.node,
      message: o.message,
      remedy: orAccept(o.remedy, o.acceptAs),
      acceptAs: o.acceptAs,
    }));

/** A run that is to be proven must be able to prove. */
function probeRefusals({ upgrade, capabilities, view }: PlanInput): Refusal[] {
  if (!upgrade.probe.enabled || capabilities.probe) return [];
  return [
    {
      code: 'PROBE_UNSUPPORTED',
      message: `the probe is on, and ${view.system} has none: no write ledger could be kept`,
      remedy: 'Set probe.enabled to false, and measure by other means.',
    },
  ];
}

/**
 * A step of a node that is on the target by now is known: the spec of a run that is started again stays valid.
 */
function approvalRefusals(input: PlanInput, steps: readonly PlanStep[]): Refusal[] {
  const { upgrade, cluster, view, rules } = input;
  const known = new Set([
    'start',
    'handover',
    ...(rules.levels ? ['switch'] : []),
    ...steps.map((s) => s.id),
    ...cluster.nodes.map((n) => `replace/${n.id}`),
    ...view.groups.map((g) => `handover/${g.id}`),
    ...(rules.levels ? view.groups.flatMap((g) => [`switch/${g.id}`, `cancel/${g.id}`]) : []),
  ]);
  return upgrade.approvals.before
    .filter((name) => !known.has(name))
    .map((name) => ({
      code: 'UNKNOWN_STEP',
      message: `approvals.before names ${name}, which is no step of this plan`,
      remedy: `Use some of ${[...known].join(', ')}; or leave it out.`,
    }));
}
