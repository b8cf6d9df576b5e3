import { setTimeout as delay } from 'node:timers/promises';
import type { RollgateClient, RunHandle } from '../../../src/client/index.js';
import {
  formationStages,
  RollgateError,
  type ClusterSpec,
  type FormationStage,
  type RunState,
} from '../../../src/contracts/index.js';
import { ClusterFormationSpec } from '../../../src/contracts/spec.js';

/** A formation as the scenarios run it, for runs besides the scenario's own. */
export const formationOf = (
  cluster: ClusterSpec,
  change: Record<string, unknown> = {},
): ClusterFormationSpec =>
  ClusterFormationSpec.parse({
    ...{ name: 'f', cluster: cluster.name, seed: 'etcd-1', version: '3.6.16' },
    ...{ expand: ['etcd-2', 'etcd-3'], soak: '300ms' },
    probe: { writers: 4, interval: '10ms' },
    ...change,
  });

export const startFormation = (
  client: RollgateClient,
  cluster: ClusterSpec,
  change: Record<string, unknown> = {},
  { stages = formationStages, rollback }: { stages?: readonly FormationStage[]; rollback?: boolean } = {},
): Promise<RunHandle> =>
  client.startFormation({ cluster, formation: formationOf(cluster, change), stages, rollback });

export const ended = (handle: RunHandle): Promise<RunState> => handle.wait({ timeoutMs: 180_000 });

/** Ask again while no worker is there: one that was killed is being started. */
export async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof RollgateError) || !error.retryable || Date.now() > deadline) throw error;
    }
    await delay(200);
  }
}

/** Poll the status of a run until it holds; a dead worker is waited for. */
export async function until(
  handle: RunHandle,
  what: string,
  holds: (state: RunState) => boolean,
): Promise<RunState> {
  const deadline = Date.now() + 180_000;
  for (;;) {
    const state = await handle.status().catch((error: unknown) => {
      if (error instanceof RollgateError && error.retryable) return undefined;
      throw error;
    });
    if (state && holds(state)) return state;
    if (Date.now() > deadline) {
      throw new Error(`never: ${what}; ${state?.phase ?? ''} ${state?.failure?.message ?? ''}`);
    }
    await delay(100);
  }
}
