import type {
  ArtifactReport,
  ChangingActivities,
  ClusterFormationSpec,
  ClusterSpec,
  EffectContext,
  FormationView,
  Host,
  ModeRecord,
  NodeId,
  NodeSpec,
  Patience,
  ReadingActivities,
  StandaloneView,
  Target,
} from '../contracts/index.js';
import { nodeSpec, RollgateError, valueOf } from '../contracts/index.js';
import { planFormation } from '../planning/formation/plan.js';
import { needed, type ActivityDependencies } from './dependencies.js';
import { effect } from './effect.js';
import { emptyOnes, observed, observeMembers } from './observe-members.js';
import { sha256 } from './sha256.js';
import { sleep } from './sleep.js';

type Reading = Pick<ReadingActivities, 'inspectFormation' | 'makeFormationPlan' | 'observeMembers'>;
type Changing = Pick<
  ChangingActivities,
  | 'writeMode'
  | 'stopStandalone'
  | 'snapshotStandalone'
  | 'restoreSeed'
  | 'verifySeed'
  | 'finalizeSeed'
  | 'restoreStandalone'
  | 'addLearner'
  | 'startMember'
  | 'promoteLearner'
  | 'removeMember'
>;

/** What a formation is decided from (R-FORM); changes nothing. */
export function createFormationReading(deps: ActivityDependencies): Reading {
  const look = (input: Target & { formation: ClusterFormationSpec } & Patience, ctx: EffectContext) =>
    inspect(deps, input, ctx);
  return {
    inspectFormation: (input) => effect(input.runId, deps.secrets, (ctx) => look(input, ctx)),
    observeMembers: (input) =>
      effect(input.runId, deps.secrets, (ctx) =>
        observeMembers(deps, input.cluster, input.joining, ctx, input.patienceMs),
      ),
    makeFormationPlan: (input) =>
      effect(input.runId, deps.secrets, async (ctx) => {
        const { cluster, formation, stages } = input;
        const artifacts: ArtifactReport[] = [];
        const artifact = cluster.artifacts[formation.version];
        for (const node of cluster.nodes) {
          artifacts.push(await deps.host(node).verifyArtifact(node, formation.version, artifact, ctx));
        }
        const system = deps.system(cluster);
        return planFormation({
          cluster,
          formation,
          stages,
          view: await look(input, ctx),
          artifacts,
          capabilities: {
            formation: system.formation !== undefined && system.membership !== undefined,
            transfer: system.transfer !== undefined,
            probe: system.probe !== undefined,
            backup: system.backup !== undefined,
          },
          rules: system.versionRules,
          observedAt: new Date().toISOString(),
          digest: sha256,
        });
      }),
  };
}

/** The steps of a formation: each observes first, acts only if needed and verifies after. */
export function createFormationChanging(deps: ActivityDependencies): Changing {
  const run = <T>(runId: string, body: (ctx: EffectContext) => Promise<T>): Promise<T> =>
    effect(runId, deps.secrets, body);
  const forming = (cluster: ClusterSpec) => needed(deps.system(cluster), 'formation');
  const members = (cluster: ClusterSpec) => needed(deps.system(cluster), 'membership');

  return {
    writeMode: ({ cluster, runId, node, to, from, checkpoint, resumeHint }) =>
      run(runId, async (ctx) => {
        const spec = nodeSpec(cluster, node);
        const host = deps.host(spec);
        const record = await host.readMode(spec, ctx);
        const mode = record?.mode ?? 'standalone';
        if (mode === to && record?.checkpoint === checkpoint) return;
        if (mode !== to && !from.includes(mode)) {
          throw new RollgateError(
            'SYSTEM_REFUSED',
            `the data of ${node} is ${mode}${record ? ` (run ${record.runId})` : ''}; ${from.join(' or ')} was needed`,
            'Look at it with rollgate form status; nothing was changed.',
          );
        }
        // Known before the first change of it alone; every later record carries it on.
        const wasRunning =
          to !== 'preparing'
            ? undefined
            : record
              ? record.wasRunning
              : (await host.status(spec, deps.system(cluster).launch(cluster, node), ctx)).kind === 'running';
        const at = new Date().toISOString();
        await host.writeMode(spec, { mode: to, checkpoint, runId, at, resumeHint, wasRunning }, ctx);
      }),

    stopStandalone: ({ cluster, runId, seed, timeoutMs, pollMs }) =>
      run(runId, async (ctx) => {
        const spec = nodeSpec(cluster, seed);
        const host = deps.host(spec);
        await requirePreparing(host, spec, ctx);
        await host.stop(spec, deps.system(cluster).launch(cluster, seed), { timeoutMs, pollMs }, ctx);
      }),

    snapshotStandalone: ({ cluster, runId, seed, version }) =>
      run(runId, (ctx) => forming(cluster).snapshot(cluster, seed, version, ctx)),
    restoreSeed: ({ cluster, runId, seed, ...options }) =>
      run(runId, (ctx) => forming(cluster).restore(cluster, seed, options, ctx)),
    verifySeed: ({ cluster, runId, seed, ...options }) =>
      run(runId, async (ctx) => ({
        name: 'seed-verified',
        node: seed,
        ...(await forming(cluster).verify(cluster, seed, options, ctx)),
        at: new Date().toISOString(),
      })),
    finalizeSeed: ({ cluster, runId, seed, version }) =>
      run(runId, async (ctx) => {
        const spec = nodeSpec(cluster, seed);
        await requirePreparing(deps.host(spec), spec, ctx);
        return forming(cluster).finalize(cluster, seed, version, ctx);
      }),

    restoreStandalone: ({ cluster, runId, seed, start, ...within }) =>
      run(runId, async (ctx) => {
        const spec = nodeSpec(cluster, seed);
        const host = deps.host(spec);
        const mode = (await host.readMode(spec, ctx))?.mode;
        if (mode !== undefined && mode !== 'preparing') {
          throw new RollgateError(
            'SYSTEM_REFUSED',
            `the data of ${seed} is ${mode}: the seed has taken the standalone's place`,
            'What the standalone held is kept beside the data; going back to it loses what was written since.',
          );
        }
        await forming(cluster).discard(cluster, seed, ctx);
        if (mode !== undefined) await host.writeMode(spec, undefined, ctx);
        if (!start) return;
        await host.start(spec, deps.system(cluster).launch(cluster, seed), ctx);
        await requireAnswer(() => forming(cluster).inspect(cluster, seed, ctx), seed, within, ctx);
      }),

    addLearner: ({ cluster, runId, node }) =>
      run(runId, (ctx) => members(cluster).addLearner(cluster, node, ctx)),
    startMember: ({ cluster, runId, node }) =>
      run(runId, (ctx) => members(cluster).startMember(cluster, node, ctx)),
    promoteLearner: ({ cluster, runId, node }) =>
      run(runId, (ctx) => members(cluster).promoteLearner(cluster, node, ctx)),
    removeMember: ({ cluster, runId, node, timeoutMs, pollMs }) =>
      run(runId, (ctx) => members(cluster).removeMember(cluster, node, { timeoutMs, pollMs }, ctx)),
  };
}

/** That its process lives is not enough: clients are to find what they had. */
async function requireAnswer(
  look: () => Promise<StandaloneView>,
  seed: NodeId,
  { timeoutMs, pollMs }: { timeoutMs: number; pollMs: number },
  ctx: EffectContext,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const { coherent, content } = await look();
    if (valueOf(coherent) === true) return;
    if (Date.now() >= deadline) {
      throw new RollgateError(
        'NODE_UNHEALTHY',
        `${seed} is an ordinary standalone again and was started, but does not answer after ${timeoutMs} ms${content.kind === 'unknown' ? `: ${content.reason}` : ''}`,
        `See the log of ${seed}; its data is as it was before the formation.`,
      );
    }
    await sleep(pollMs, ctx.signal);
  }
}

async function requirePreparing(host: Host, node: NodeSpec, ctx: EffectContext): Promise<void> {
  const record = await host.readMode(node, ctx);
  if (record?.mode === 'preparing') return;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `the data of ${node.id} is ${record?.mode ?? 'standalone'}, not preparing`,
    'Nothing was changed. Look at it with rollgate form status.',
  );
}

async function modeOf(
  deps: ActivityDependencies,
  cluster: ClusterSpec,
  node: string,
  ctx: EffectContext,
): Promise<ModeRecord | undefined> {
  const spec = nodeSpec(cluster, node);
  return deps.host(spec).readMode(spec, ctx);
}

async function inspect(
  deps: ActivityDependencies,
  { cluster, formation, patienceMs }: { cluster: ClusterSpec; formation: ClusterFormationSpec } & Patience,
  ctx: EffectContext,
): Promise<FormationView> {
  const mode = await observed(() => modeOf(deps, cluster, formation.seed, ctx), ctx);
  if (valueOf(mode)?.mode === 'cluster') {
    return { mode, ...(await observeMembers(deps, cluster, formation.expand, ctx, patienceMs)) };
  }
  const empty = await emptyOnes(deps, cluster, formation.expand, ctx);
  if (mode.kind === 'unknown') return { mode, empty };
  const standalone = await deps.system(cluster).formation?.inspect(cluster, formation.seed, ctx);
  return { mode, empty, ...(standalone ? { standalone } : {}) };
}
