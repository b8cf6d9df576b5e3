import type { FormationView } from '../../contracts/activities.js';
import { valueOf } from '../../contracts/observed.js';
import type { ClusterFormationSpec, FormationStage } from '../../contracts/spec.js';
import type { NodeId } from '../../contracts/view.js';

export type NextStage =
  | { readonly stage: 'init' | 'serve'; readonly node: NodeId }
  | { readonly stage: 'expand'; readonly node: NodeId }
  | { readonly stage: 'transfer-leader'; readonly node: NodeId; readonly from: NodeId }
  | { readonly stage: 'remove-member'; readonly node: NodeId; readonly leads: boolean }
  | { readonly stage: 'complete' }
  | { readonly stage: 'stuck'; readonly message: string; readonly remedy: string };

/**
 * The next stage from *here*, of those asked for: decided from the mode file and the member list, never from what a
 * run remembers, so that a rerun after any interruption goes on where the data stands.
 */
export function nextStage(
  view: FormationView,
  formation: ClusterFormationSpec,
  stages: readonly FormationStage[],
): NextStage {
  const { seed } = formation;
  if (view.mode.kind === 'unknown') {
    return {
      stage: 'stuck',
      message: `the mode of ${seed} is not known: ${view.mode.reason}`,
      remedy: 'Make its mode file readable for the worker, then retry.',
    };
  }
  const mode = view.mode.value?.mode ?? 'standalone';
  if (mode === 'standalone' || mode === 'preparing') return due(stages, { stage: 'init', node: seed });
  if (mode === 'seeded') return due(stages, { stage: 'serve', node: seed });

  const members = view.members && valueOf(view.members);
  const leader = view.view?.groups[0]?.primaries;
  if (!members || leader?.length !== 1) {
    const seen = view.members?.kind === 'unknown' ? view.members.reason : 'no single leader answers';
    return {
      stage: 'stuck',
      message: `the members of the cluster are not known: ${seen}`,
      remedy: 'Let its members elect a leader (see their logs), then retry.',
    };
  }
  const voters = members.filter((m) => m.role === 'voter').map((m) => m.node);
  const joining = formation.expand.find((id) => !voters.includes(id) && !gone(formation, id));
  if (joining !== undefined && stages.includes('expand')) return { stage: 'expand', node: joining };
  const [from] = leader;
  const wanted = formation.leader;
  if (wanted !== undefined && from !== undefined && from !== wanted && stages.includes('transfer-leader')) {
    return { stage: 'transfer-leader', node: wanted, from };
  }
  const leaving = formation.remove.find((id) => members.some((m) => m.node === id));
  if (leaving !== undefined && stages.includes('remove-member')) {
    return { stage: 'remove-member', node: leaving, leads: from === leaving };
  }
  return { stage: 'complete' };
}

/** What only an earlier stage makes possible is not skipped to. */
const due = (stages: readonly FormationStage[], step: Extract<NextStage, { node: NodeId }>): NextStage =>
  stages.includes(step.stage) ? step : { stage: 'complete' };

const gone = (formation: ClusterFormationSpec, id: NodeId): boolean => formation.remove.includes(id);
