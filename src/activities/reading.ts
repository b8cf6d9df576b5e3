import type { ArtifactReport, GateVerdict, ReadingActivities } from '../contracts/index.js';
import { nodeSpec, RollgateError } from '../contracts/index.js';
import { awaitGates } from './await-gates.js';
import { candidateAtFence } from './candidate-at-fence.js';
import type { createFormationReading } from './formation.js';
import { handoverOf, needed, type ActivityDependencies } from './dependencies.js';
import { effect } from './effect.js';
import { makePipelinePlan, makePlan } from './make-plan.js';

/** Activities that change nothing. */
export function createReadingActivities(
  deps: ActivityDependencies,
): Omit<ReadingActivities, keyof ReturnType<typeof createFormationReading>> {
  const { secrets } = deps;
  return {
    observeCluster: (input) =>
      effect(input.runId, secrets, (ctx) => deps.system(input.cluster).observe(input.cluster, ctx)),

    makePlan: (input) => effect(input.runId, secrets, (ctx) => makePlan(deps, input, ctx)),

    makePipelinePlan: (input) => effect(input.runId, secrets, (ctx) => makePipelinePlan(deps, input, ctx)),

    awaitGates: (input) => effect(input.runId, secrets, (ctx) => awaitGates(deps, input, ctx)),

    verifyArtifact: (input) =>
      effect(input.runId, secrets, async (ctx) => {
        const node = nodeSpec(input.cluster, input.node);
        const artifact = input.cluster.artifacts[input.version];
        const report = await deps.host(node).verifyArtifact(node, input.version, artifact, ctx);
        return artifactVerdict(report, artifact?.sha256);
      }),

    chooseCandidate: (input) =>
      effect(input.runId, secrets, async (ctx) => {
        const handover = handoverOf(deps.system(input.cluster));
        const deadline = Date.parse(input.deadline);
        const { chosen, applied } = await candidateAtFence(handover, { ...input, deadline }, ctx);
        if (chosen) return chosen;
        const seen = applied.map((a) => `${a.node} at ${a.position.text}`).join(', ') || 'no answer';
        throw new RollgateError(
          'CANDIDATE_BEHIND',
          `no candidate has applied exactly ${input.fence.position.text}, where ${input.fence.node} stopped (${seen})`,
          'Both sides are put back as they were. Find out why replication did not deliver the last records, then retry.',
        );
      }),

    readSetting: (input) =>
      effect(input.runId, secrets, async (ctx) => {
        const { node, setting } = input.request;
        return {
          formerValue: await deps.system(input.cluster).settings.read(input.cluster, node, setting, ctx),
        };
      }),

    compareCopies: (input) =>
      effect(input.runId, secrets, async (ctx) => ({
        name: 'copies-identical',
        ...(await needed(deps.system(input.cluster), 'backup').compare(input.cluster, ctx)),
        at: new Date().toISOString(),
      })),

    readWriteLedger: (input) =>
      effect(input.runId, secrets, (ctx) => deps.probe.ledger(input.cluster, input.runId, ctx)),
  };
}

function artifactVerdict(report: ArtifactReport, expected: string | undefined): GateVerdict {
  const base = {
    name: 'artifact-verified' as const,
    node: report.node,
    at: new Date().toISOString(),
    required: `${report.version} with sha256 ${expected ?? '(undeclared)'}`,
  };
  switch (report.state.kind) {
    case 'ok':
      return { ...base, verdict: 'pass', observed: `sha256 ${report.state.sha256}` };
    case 'absent':
      return { ...base, verdict: 'hold', observed: `nothing at ${report.state.path}` };
    case 'differs':
      return { ...base, verdict: 'hold', observed: `sha256 ${report.state.actual}` };
    case 'undeclared':
      return { ...base, verdict: 'hold', observed: 'the cluster declares no artifact of this version' };
    case 'unknown':
      return { ...base, verdict: 'unknown', observed: report.state.reason };
  }
}
