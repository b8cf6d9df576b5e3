import type { DataMode } from '../../../contracts/ports/host.js';
import type { NodeId } from '../../../contracts/view.js';
import { act } from '../../activities.js';
import { formationOf, now, tell, type Run } from '../../run.js';
import { publish } from '../../publish.js';

/** Persist a milestone beside the data, and in the run. `next`: the stage that goes on from here. */
export async function reach(
  run: Run,
  milestone: { name: string; mode: DataMode; from: readonly DataMode[]; next: string; node?: NodeId },
): Promise<void> {
  const { spec, state } = formationOf(run);
  const node = milestone.node ?? spec.seed;
  const resumeHint = `rollgate form ${milestone.next} -f FILE (the files of cluster ${spec.cluster})`;
  await act('writeMode', `${node} is ${milestone.mode}: ${milestone.name}`, {
    // The seed may have left the cluster; its mode file has not.
    ...run.target,
    cluster: run.state.spec.cluster,
    node,
    to: milestone.mode,
    from: milestone.from,
    checkpoint: milestone.name,
    resumeHint,
  });
  if (node === spec.seed) {
    state.mode = milestone.mode;
    state.checkpoint = milestone.name;
    run.state.resumeHint = resumeHint;
    if (!state.checkpoints.some((c) => c.name === milestone.name)) {
      state.checkpoints.push({ name: milestone.name, at: now() });
    }
    tell(run, 'step', `checkpoint ${milestone.name}`, node);
  }
  publish(run.state);
}
