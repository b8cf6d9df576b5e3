import type {
  ChangingActivities,
  ClusterSpec,
  ClusterView,
  EffectContext,
  NodeId,
} from '../contracts/index.js';
import { findNode, nodeSpec, RollgateError, valueOf } from '../contracts/index.js';
import { candidateAtFence } from './candidate-at-fence.js';
import type { createFormationChanging } from './formation.js';
import { handoverOf, needed, type ActivityDependencies } from './dependencies.js';
import { effect } from './effect.js';

/** How long a fence looks for a candidate at its position, ms; after that it is reported without one. */
const lookFor = 100;

/** Activities that change something: each observes first, acts only if needed and verifies after. */
export function createChangingActivities(
  deps: ActivityDependencies,
): Omit<ChangingActivities, keyof ReturnType<typeof createFormationChanging>> {
  const { secrets } = deps;
  const run = <T>(runId: string, body: (ctx: EffectContext) => Promise<T>): Promise<T> =>
    effect(runId, secrets, body);

  return {
    createScratch: ({ cluster, runId }) =>
      run(runId, (ctx) => deps.system(cluster).scratch.create(cluster, ctx)),
    dropScratch: ({ cluster, runId }) => run(runId, (ctx) => deps.system(cluster).scratch.drop(cluster, ctx)),

    startProbe: ({ cluster, runId, probe, also }) =>
      run(runId, (ctx) => deps.probe.start(cluster, runId, { ...probe, also }, ctx)),
    stopProbe: ({ runId }) => run(runId, (ctx) => deps.probe.stop(runId, ctx)),

    proveReplication: ({ cluster, runId, token, from, on, timeoutMs, pollMs }) =>
      run(runId, async (ctx) => {
        const { seenOn, ms } = await deps
          .system(cluster)
          .scratch.prove(cluster, { token, from, on, timeoutMs, pollMs }, ctx);
        const missing = on.filter((id) => !seenOn.includes(id));
        return {
          name: 'canary-replicated',
          verdict: missing.length === 0 ? 'pass' : 'hold',
          observed:
            missing.length === 0
              ? `read on ${on.join(', ')} after ${ms} ms`
              : `not read on ${missing.join(', ')}`,
          required: `a row written on ${from} is read on ${on.join(', ')} within ${timeoutMs} ms`,
          at: new Date().toISOString(),
        };
      }),

    drainNode: ({ cluster, runId, node }) =>
      run(runId, async (ctx) => {
        const spec = nodeSpec(cluster, node);
        const router = deps.router(cluster);
        if ((await router.state(cluster, spec, ctx)) !== 'drained') await router.drain(cluster, spec, ctx);
        await verifyRouting(deps, cluster, node, ['drained', 'not-managed'], ctx);
      }),

    restoreNode: ({ cluster, runId, node }) =>
      run(runId, async (ctx) => {
        const spec = nodeSpec(cluster, node);
        const router = deps.router(cluster);
        const state = await router.state(cluster, spec, ctx);
        if (state === 'routed') return;
        await requireServing(deps, cluster, node, ctx);
        if (state === 'not-managed') return;
        await router.restore(cluster, spec, ctx);
        await verifyRouting(deps, cluster, node, ['routed'], ctx);
      }),

    borrowSetting: ({ cluster, runId, borrowed }) =>
      run(runId, async (ctx) => {
        if (borrowed.node === undefined) return;
        await deps.system(cluster).settings.write(cluster, borrowed.node, borrowed.name, borrowed.value, ctx);
      }),
    giveBackSetting: ({ cluster, runId, borrowed }) =>
      run(runId, async (ctx) => {
        if (borrowed.node === undefined) return;
        await deps
          .system(cluster)
          .settings.write(cluster, borrowed.node, borrowed.name, borrowed.formerValue, ctx);
      }),

    stopNode: ({ cluster, runId, node, timeoutMs, pollMs }) =>
      run(runId, async (ctx) => {
        const spec = nodeSpec(cluster, node);
        const system = deps.system(cluster);
        const launch = system.launch(cluster, node);
        const status = await deps.host(spec).status(spec, launch, ctx);
        if (status.kind === 'stopped') return;
        await requireNoPrimary(deps, cluster, node, ctx);
        await deps.host(spec).stop(spec, launch, { timeoutMs, pollMs }, ctx);
      }),

    installArtifact: ({ cluster, runId, node, version }) =>
      run(runId, async (ctx) => {
        const spec = nodeSpec(cluster, node);
        const artifact = cluster.artifacts[version];
        if (!artifact) {
          throw new RollgateError(
            'ARTIFACT_ABSENT',
            `cluster ${cluster.name} declares no artifact of version ${version}`,
            `Add artifacts."${version}" with path and sha256 to the cluster, then plan again.`,
          );
        }
        await deps
          .host(spec)
          .install(spec, version, artifact, deps.system(cluster).launch(cluster, node), ctx);
      }),

    startNode: ({ cluster, runId, node, asReplicaOf }) =>
      run(runId, async (ctx) => {
        const spec = nodeSpec(cluster, node);
        const system = deps.system(cluster);
        const launch = system.launch(cluster, node);
        const status = await deps.host(spec).status(spec, launch, ctx);
        if (status.kind === 'running') return;
        if (asReplicaOf !== undefined) await system.startAsReplica(cluster, node, asReplicaOf, ctx);
        await deps.host(spec).start(spec, launch, ctx);
      }),

    tidyNode: ({ cluster, runId, node }) =>
      run(runId, (ctx) => deps.system(cluster).tidy(cluster, node, ctx)),

    prepareHandover: ({ cluster, runId, from, candidates }) =>
      run(runId, (ctx) => handoverOf(deps.system(cluster)).prepare(cluster, from, candidates, ctx)),
    unprepareHandover: ({ cluster, runId, from, candidates }) =>
      run(runId, (ctx) => handoverOf(deps.system(cluster)).unprepare(cluster, from, candidates, ctx)),

    fencePrimary: ({ cluster, runId, node, candidates, epoch, timeoutMs, pollMs }) =>
      run(runId, async (ctx) => {
        const handover = handoverOf(deps.system(cluster));
        // A candidate that does not answer now would not in a moment, when nobody can write any more.
        await handover.applied(cluster, candidates, ctx);
        const fence = await handover.fence(cluster, node, { epoch, timeoutMs, pollMs }, ctx);
        const deadline = Date.now() + lookFor;
        const { chosen } = await candidateAtFence(
          handover,
          { cluster, candidates, fence, deadline, pollMs },
          ctx,
        ).catch((error: unknown) => {
          // The fence is what this call is for; who does not answer is asked again by the next one.
          if (error instanceof RollgateError && error.retryable) return { chosen: undefined };
          throw error;
        });
        return { fence, chosen };
      }),
    unfencePrimary: ({ cluster, runId, node, asked, timeoutMs, pollMs }) =>
      run(runId, (ctx) =>
        handoverOf(deps.system(cluster)).unfence(cluster, node, { asked, timeoutMs, pollMs }, ctx),
      ),
    promoteCandidate: ({ cluster, runId, candidate, fence, timeoutMs, pollMs }) =>
      run(runId, (ctx) =>
        handoverOf(deps.system(cluster)).promote(cluster, candidate, fence, { timeoutMs, pollMs }, ctx),
      ),
    transferPrimary: ({ cluster, runId, from, ...options }) =>
      run(runId, (ctx) => needed(deps.system(cluster), 'transfer').transfer(cluster, from, options, ctx)),
    lowerLevel: ({ cluster, runId, to }) =>
      run(runId, (ctx) => needed(deps.system(cluster), 'versionSwitch').lower(cluster, to, ctx)),
    cancelLowering: ({ cluster, runId }) =>
      run(runId, (ctx) => needed(deps.system(cluster), 'versionSwitch').cancel(cluster, ctx)),
    saveBackup: ({ cluster, runId, name }) =>
      run(runId, async (ctx) =>
        needed(deps.system(cluster), 'backup').save(cluster, await deps.backupFile(runId, name), ctx),
      ),
    followPrimary: ({ cluster, runId, node, upstream }) =>
      run(runId, (ctx) => deps.system(cluster).follow(cluster, node, upstream, ctx)),
    releaseFence: ({ cluster, runId, fence, promotion }) =>
      run(runId, (ctx) => handoverOf(deps.system(cluster)).release(cluster, fence, promotion, ctx)),

    writeReport: ({ runId, state }) => run(runId, () => deps.writeArtifacts(state)),
  };
}

/** A node that is the only primary, or whose role cannot be learned, is not stopped outside a fence. */
async function requireNoPrimary(
  deps: ActivityDependencies,
  cluster: ClusterSpec,
  node: NodeId,
  ctx: EffectContext,
): Promise<void> {
  const view = await deps.system(cluster).observe(cluster, ctx);
  const role = valueOf(findNode(view, node)?.role ?? { kind: 'unknown', reason: 'not observed' });
  if (role === 'primary') {
    throw new RollgateError(
      'PRIMARY_MOVED',
      `${node} is the primary now; it was a replica when this step was planned`,
      'Nothing was stopped. Retry: the run observes the cluster again and goes on from there.',
    );
  }
  if (role !== undefined) requireSameIdentity(view, node);
  // A process that does not answer at all (it never became healthy) serves no client: stopping it is safe as
  // long as another node is the primary.
  const otherPrimary = view.groups.some((g) => g.primaries.some((p) => p !== node));
  if (role === undefined && !otherPrimary) {
    throw new RollgateError(
      'NODE_UNHEALTHY',
      `the role of ${node} cannot be learned, and no other node is seen to be the primary`,
      'Nothing was stopped. Make the cluster reachable from the worker, then retry.',
    );
  }
}

/** The server behind the node's address still belongs to the cluster of its primary. */
function requireSameIdentity(view: ClusterView, node: NodeId): void {
  const group = view.groups.find((g) => g.nodes.some((n) => n.id === node));
  const identityOf = (id: NodeId | undefined): string | undefined => {
    const seen = id === undefined ? undefined : findNode(view, id);
    return seen && valueOf(seen.identity);
  };
  const primary = group?.primaries.find((p) => p !== node);
  const [mine, theirs] = [identityOf(node), identityOf(primary)];
  // Without another primary there is nothing to compare with; a node that answers and hides its data is not stopped.
  if (primary === undefined || (mine !== undefined && mine === theirs)) return;
  throw new RollgateError(
    'IDENTITY_CHANGED',
    `${node} holds the data of ${mine ?? 'an unknown cluster'}, its primary ${primary} that of ${theirs ?? 'an unknown one'}`,
    `Nothing was stopped. Correct the address of ${node} in the cluster file, then start again.`,
  );
}

async function requireServing(
  deps: ActivityDependencies,
  cluster: ClusterSpec,
  node: NodeId,
  ctx: EffectContext,
): Promise<void> {
  const seen = findNode(await deps.system(cluster).observe(cluster, ctx), node);
  if (seen && valueOf(seen.reachable) === true && valueOf(seen.serving) === true) return;
  throw new RollgateError(
    'NODE_UNHEALTHY',
    `${node} does not serve, so it is not put back into client routing`,
    `Make ${node} healthy (see its log), then retry or put it back into routing yourself.`,
  );
}

async function verifyRouting(
  deps: ActivityDependencies,
  cluster: ClusterSpec,
  node: NodeId,
  wanted: readonly string[],
  ctx: EffectContext,
): Promise<void> {
  const state = await deps.router(cluster).state(cluster, nodeSpec(cluster, node), ctx);
  if (wanted.includes(state)) return;
  throw new RollgateError(
    'HOST_UNKNOWN',
    `the router says ${node} is ${state}, not ${wanted.join(' or ')}`,
    'Look at the router; the call is repeated by itself.',
  );
}
