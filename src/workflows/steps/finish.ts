import { CancellationScope } from '@temporalio/workflow';
import { clusterOfRun } from '../../contracts/chapter.js';
import type { Gate } from '../../contracts/gate.js';
import type { Outcome, RunState } from '../../contracts/run.js';
import type { NodeId } from '../../contracts/view.js';
import { acceptedLoss } from '../../planning/migration/loss.js';
import { nextStage } from '../../planning/pipeline/next-stage.js';
import { act } from '../activities.js';
import { passGates } from '../gates.js';
import { setPhase } from '../publish.js';
import { now, tell, writable, type Run } from '../run.js';
import { compensate, failureOf, settle } from '../saga.js';

/** Every node on its target, the cluster healthy: asked of the cluster, not of the run's own record. */
export async function verifyEnd(
  run: Run,
  targets: Readonly<Record<string, string>>,
  level: string | undefined,
  members: readonly NodeId[] = run.state.nodes.map((n) => n.id),
): Promise<void> {
  const { settings } = run;
  const nodes = run.state.nodes.filter((n) => members.includes(n.id));
  const groups = [...new Set(nodes.map((n) => n.group))];
  const gates = groups.flatMap((group): Gate[] => [
    { gate: 'cluster-healthy', group, except: [] },
    { gate: 'one-primary', group },
    {
      gate: 'all-on-target',
      group,
      versions: Object.fromEntries(
        nodes.filter((n) => n.group === group).map((n) => [n.id, targets[n.id] ?? n.from]),
      ),
    },
    ...(level === undefined ? [] : [{ gate: 'level-active' as const, group, level }]),
  ]);
  await passGates(run, { what: 'the cluster at the end', timeoutMs: settings.timeouts.gate, gates });
}

/**
 * The proof and the cleaning up, in every ending: stop the probe, read the write ledger back, give back what is
 * still borrowed. Lost writes fail the run whatever else went well.
 */
export async function finish(run: Run, wanted: Exclude<Outcome, 'running'>): Promise<void> {
  const { state } = run;
  setPhase(state, 'finishing');
  await CancellationScope.nonCancellable(async () => {
    let outcome = wanted;
    if (state.ledger.some((b) => b.kind === 'probe')) {
      try {
        await act('stopProbe', 'stop the probe', run.target);
        settle(run, 'probe');
        state.writes = await act('readWriteLedger', 'read the write ledger back', {
          ...run.target,
          cluster: writable(run),
        });
        tell(run, 'probe', `acknowledged ${state.writes.acknowledged}, lost ${state.writes.lost}`);
      } catch (error) {
        // Without a ledger there is no proof: a run that promised one has not completed.
        const failure = failureOf(error);
        state.failure ??= failure;
        tell(run, 'failure', `no write ledger: ${failure.message}`);
        outcome = outcome === 'aborted' ? 'aborted' : 'failed';
      }
    }
    if (state.writes && state.writes.lost > 0) {
      outcome = 'failed';
      const { acknowledged, lost } = state.writes;
      const found = acceptedLoss(state) ?? {
        code: 'WRITES_LOST',
        message: `${lost} of ${acknowledged} acknowledged writes are not in the cluster`,
        remedy:
          'Stop relying on this cluster, keep every data directory, and compare the keys in lostKeys with the nodes.',
      };
      state.failure = { ...found, at: now() };
    }
    if (state.writes?.linearizability?.verdict === 'violated') {
      outcome = 'failed';
      state.failure ??= {
        code: 'NOT_LINEARIZABLE',
        message: `the probe's ${state.writes.linearizability.operations} reads and writes have no order that explains them${reasonOf(state.writes.linearizability)}`,
        remedy:
          'Stop relying on this cluster, keep every data directory and the history beside the report, and find out which node answered with what was not true.',
        at: now(),
      };
    }
    await compensate(run);
    if (state.leftUndone.length > 0 && outcome === 'completed') outcome = 'failed';
    await end(run, outcome);
  });
}

/** What has become of a stage is told with the report of it, and whether it was the last one. */
function settleStage(state: RunState): void {
  const { pipeline, run, plan } = state;
  const stage = pipeline?.stages[pipeline.stage];
  if (!pipeline || !stage) return;
  stage.outcome = run.outcome;
  if (run.outcome === 'completed' && plan?.pointOfNoReturn !== undefined)
    pipeline.pointOfNoReturn = stage.name;
  if (nextStage(state) === undefined) pipeline.outcome = run.outcome;
}

const reasonOf = ({ reason }: { reason?: string }): string => (reason === undefined ? '' : `: ${reason}`);

async function end(run: Run, outcome: Exclude<Outcome, 'running'>): Promise<void> {
  const { state } = run;
  state.step = undefined;
  state.run.outcome = outcome;
  state.run.endedAt = now();
  settleStage(state);
  // A formation that has not ended well goes on from its checkpoint in another run.
  if (!state.formation || outcome === 'completed' || outcome === 'rolled-back') state.resumeHint = '';
  setPhase(state, 'finished');
  tell(
    run,
    outcome === 'completed' || outcome === 'rolled-back' ? 'step' : 'failure',
    `the run is ${outcome}`,
  );
  try {
    await act('writeReport', 'write summary and report', { ...run.target, state });
  } catch (error) {
    state.leftUndone.push({
      what: 'report',
      command: `rollgate report ${clusterOfRun(state)} --run-id ${state.pipeline?.runId ?? state.run.id}`,
      error: failureOf(error).message,
    });
  }
}
