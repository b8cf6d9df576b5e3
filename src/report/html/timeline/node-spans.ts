import type { NodeStatus, RunState, TimelineEvent } from '../../../contracts/index.js';

export interface NodeSpan {
  readonly status: NodeStatus;
  /** ISO 8601. */
  readonly from: string;
  readonly to: string;
}

const statuses: readonly NodeStatus[] = [
  'pending',
  'draining',
  'drained',
  'upgrading',
  'rejoining',
  'complete',
  'failed',
];

/** What a node went through, from the run's timeline; the last status reaches to `end`. */
export function nodeSpans(state: RunState, node: string, end: string): NodeSpan[] {
  const changes = state.timeline.flatMap((event) => {
    const status = statusIn(event, node);
    return status === undefined ? [] : [{ at: event.at, status }];
  });
  const progress = state.nodes.find((n) => n.id === node);
  // A node on its target from the beginning is left alone and has no event.
  const first: NodeStatus = changes.length === 0 && progress?.status === 'complete' ? 'complete' : 'pending';
  const points = [{ at: state.run.startedAt, status: first }, ...changes];
  return points
    .map(({ at, status }, i) => ({ status, from: at, to: points[i + 1]?.at ?? end }))
    .filter((span) => Date.parse(span.to) > Date.parse(span.from) || span.status === 'failed');
}

/** A node's event reads `<node> <status>` or `<node> <status>: <reason>`. */
function statusIn(event: TimelineEvent, node: string): NodeStatus | undefined {
  if (event.kind !== 'node' || event.node !== node || !event.text.startsWith(`${node} `)) return undefined;
  const rest = event.text.slice(node.length + 1);
  return statuses.find((s) => rest === s || rest.startsWith(`${s}:`));
}
