import { nodesOf, valueOf, type ClusterView, type NodeView, type Observed } from '../contracts/index.js';
import type { Check } from './diagnose.js';

/** What an observation says about each node, and what in the cluster would forbid a run. */
export function clusterChecks(view: ClusterView): readonly Check[] {
  return [
    ...nodesOf(view).map((node) => nodeCheck(view, node)),
    ...view.obstacles.map((o) => ({
      name: `${view.cluster}${o.node === undefined ? '' : `/${o.node}`}: ${o.code}`,
      ok: false,
      observed: o.message,
      remedy:
        o.acceptAs === undefined ? o.remedy : `${o.remedy} Or accept it by name in the spec: ${o.acceptAs}`,
    })),
  ];
}

function nodeCheck(view: ClusterView, node: NodeView): Check {
  const name = `${view.cluster}/${node.id}`;
  if (valueOf(node.reachable) !== true) {
    return {
      name,
      ok: false,
      observed: `${node.address} does not answer${reason(node.reachable)}`,
      remedy:
        'Look whether it runs and whether a worker can reach it; look at address, user and secrets in the cluster file.',
    };
  }
  if (valueOf(node.serving) !== true) {
    return {
      name,
      ok: false,
      observed: `${node.address} answers but does not serve clients${reason(node.serving)}`,
      remedy: 'Look at the log of the node.',
    };
  }
  const primary = valueOf(node.role) === 'primary';
  return {
    name,
    ok: true,
    observed: [
      node.address,
      show(node.role),
      `version ${show(node.version)}`,
      `epoch ${show(node.epoch)}`,
      ...(primary ? [] : [`lag ${show(node.lag)} (${view.positionUnit})`, inSync(node.inSync)]),
    ].join(', '),
  };
}

const reason = (observed: Observed<unknown>): string =>
  observed.kind === 'unknown' ? `: ${observed.reason}` : '';

const show = (observed: Observed<string | number>): string =>
  observed.kind === 'known' ? String(observed.value) : `unknown (${observed.reason})`;

function inSync(observed: Observed<boolean>): string {
  if (observed.kind === 'unknown') return `in sync: unknown (${observed.reason})`;
  return observed.value ? 'in sync' : 'not in sync';
}
