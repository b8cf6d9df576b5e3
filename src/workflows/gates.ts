import type { Gate, GateVerdict } from '../contracts/gate.js';
import type { ClusterView, NodeId } from '../contracts/view.js';
import { act, actUrgently } from './activities.js';
import { failStep, interruptible, now, recordVerdicts, remember, type Run } from './run.js';

/**
 * Wait until every gate passes on one fresh observation; then that observation is returned.
 * A gate that does not pass within `timeoutMs` fails the step: time never opens a gate.
 */
export async function passGates(
  run: Run,
  options: { what: string; gates: readonly Gate[]; timeoutMs: number; node?: NodeId; urgent?: boolean },
): Promise<ClusterView | undefined> {
  const { settings } = run;
  const deadline = new Date(Date.parse(now()) + options.timeoutMs).toISOString();
  const call = options.urgent === true ? actUrgently : act;
  let reported: readonly GateVerdict[] = [];
  for (;;) {
    const input = {
      ...run.target,
      gates: options.gates,
      drained: drainedNodes(run),
      deadline,
      pollMs: settings.poll,
      maxAgeMs: settings.maxObservationAge,
      reported,
    };
    const wait = await interruptible(run, () => call('awaitGates', `gates: ${options.what}`, input));
    if (wait.view) remember(run, wait.view);
    recordVerdicts(run, wait.verdicts);
    if (wait.result === 'passed') return wait.view;
    if (wait.result === 'timed-out') refuse(wait.verdicts, options);
    reported = wait.verdicts;
  }
}

function refuse(
  verdicts: readonly GateVerdict[],
  options: { what: string; timeoutMs: number; node?: NodeId },
): never {
  const held = verdicts.filter((v) => v.verdict !== 'pass');
  failStep(
    'GATE_HELD',
    `${options.what}: ${held.map((v) => `${v.name} ${v.verdict} (${v.observed}; needs ${v.required})`).join('; ')} for ${options.timeoutMs} ms`,
    'Remove the cause, then retry; or roll back or abort.',
    options.node,
  );
}

/** A single verdict that an activity has made. */
export function requirePass(run: Run, verdict: GateVerdict, code: string, remedy: string): void {
  recordVerdicts(run, [verdict]);
  if (verdict.verdict !== 'pass') {
    failStep(
      code,
      `${verdict.name} ${verdict.verdict}: ${verdict.observed}; needs ${verdict.required}`,
      remedy,
      verdict.node,
    );
  }
}

/** Nodes that this run holds out of client routing. */
export const drainedNodes = (run: Run): NodeId[] =>
  run.state.ledger.flatMap((b) => (b.kind === 'routing' && b.node !== undefined ? [b.node] : []));
