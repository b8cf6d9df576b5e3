import { createHash } from 'node:crypto';
import type {
  ArtifactReport,
  EffectContext,
  GateVerdict,
  Host,
  NodeId,
  NodeSpec,
  Observed,
  ReadingActivities,
} from '../contracts/index.js';
import { known, nodeSpec, nodesOf, RollgateError, unknown, valueOf } from '../contracts/index.js';
import { planRollingUpgrade } from '../planning/plan.js';
import { awaitGates } from './await-gates.js';
import { candidateAtFence } from './candidate-at-fence.js';
import { handoverOf, type ActivityDependencies } from './dependencies.js';
import { effect } from './effect.js';

/** Activities that change nothing. */
export function createReadingActivities(deps: ActivityDependencies): ReadingActivities {
  const { secrets } = deps;
  return {
    observeCluster: (input) =>
      effect(input.runId, secrets, (ctx) => deps.system(input.cluster).observe(input.cluster, ctx)),

    makePlan: (input) =>
      effect(input.runId, secrets, async (ctx) => {
        const { cluster, upgrade } = input;
        const system = deps.system(cluster);
        const view = await system.observe(cluster, ctx);
        const versions = new Set([upgrade.to]);
        for (const node of nodesOf(view)) {
          const version = valueOf(node.version);
          if (version !== undefined) versions.add(version);
        }
        const artifacts: ArtifactReport[] = [];
        const installed: Record<NodeId, Observed<string | undefined>> = {};
        for (const node of cluster.nodes) {
          installed[node.id] = await installedOn(deps.host(node), node, ctx);
          for (const version of versions) {
            artifacts.push(
              await deps.host(node).verifyArtifact(node, version, cluster.artifacts[version], ctx),
            );
          }
        }
        return planRollingUpgrade({
          cluster,
          upgrade,
          view,
          artifacts,
          installed,
          rules: system.versionRules,
          capabilities: { handover: system.handover !== undefined, probe: system.probe !== undefined },
          digest: (text) => createHash('sha256').update(text).digest('hex'),
        });
      }),

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

    readWriteLedger: (input) =>
      effect(input.runId, secrets, (ctx) => deps.probe.ledger(input.cluster, input.runId, ctx)),
  };
}

/** A host that cannot say it is a reason to refuse, among all the others, and no failure of the planning. */
async function installedOn(
  host: Host,
  node: NodeSpec,
  ctx: EffectContext,
): Promise<Observed<string | undefined>> {
  try {
    return known(await host.installed(node, ctx));
  } catch (error) {
    if (error instanceof RollgateError && error.code === 'HOST_UNKNOWN') return unknown(error.message);
    throw error;
  }
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
