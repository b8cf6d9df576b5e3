import type { FormationView } from '../../../contracts/activities.js';
import type { NodeId } from '../../../contracts/view.js';
import { act } from '../../activities.js';
import { focus, membersOf } from '../../focus.js';
import { passGates, requirePass } from '../../gates.js';
import { formationOf, progressOf, setStatus, type Run } from '../../run.js';
import { addMember, moveLeader, otherVoters, takeOutMember, up } from '../membership.js';
import { reach } from './checkpoint.js';

const cluster = { mode: 'cluster', from: ['cluster'] } as const;

/** The first ordinary start of the seed; its success makes it a cluster. */
export async function serveSeed(run: Run): Promise<void> {
  const { spec } = formationOf(run);
  const { seed, version } = spec;
  focus(run, [seed]);
  setStatus(run, seed, 'upgrading');
  await act('installArtifact', `install ${version} on ${seed}`, { ...run.target, node: seed, version });
  await act('startNode', `start ${seed}`, { ...run.target, node: seed });
  const group = progressOf(run, seed).group;
  await passGates(run, {
    what: `${seed} serves`,
    timeoutMs: run.settings.timeouts.start,
    node: seed,
    gates: [...up(seed, version), { gate: 'one-primary', group }],
  });
  await reach(run, { ...cluster, from: ['seeded', 'cluster'], name: 'serving', next: 'expand' });
  setStatus(run, seed, 'complete');
}

export async function expandBy(run: Run, node: NodeId, view: FormationView): Promise<void> {
  await addMember(run, node, view, formationOf(run).spec);
  const milestone = { ...cluster, name: `member-added/${node}`, next: 'expand' };
  await reach(run, { ...milestone, from: ['standalone', 'cluster'], node });
  await reach(run, milestone);
}

export async function transferTo(
  run: Run,
  candidates: readonly NodeId[],
  from: NodeId,
  view: FormationView,
): Promise<void> {
  const { version } = formationOf(run).spec;
  await moveLeader(run, { candidates, from, version }, view);
  const to = run.state.handovers.at(-1)?.to ?? '';
  await reach(run, { ...cluster, name: `leader-moved/${to}`, next: 'transfer-leader' });
}

export async function removeFrom(run: Run, node: NodeId, leads: boolean, view: FormationView): Promise<void> {
  if (leads) await transferTo(run, otherVoters(view, node), node, view);
  await takeOutMember(run, node, view);
  await reach(run, { ...cluster, name: `member-removed/${node}`, next: 'remove-member' });
}

/** The cluster that the formation has made: every member on its version and healthy, all copies equal. */
export async function verifyMembers(run: Run, view: FormationView): Promise<void> {
  const { spec } = formationOf(run);
  const members = membersOf(view);
  focus(run, members);
  const group = progressOf(run, spec.seed).group;
  await passGates(run, {
    what: 'the cluster at the end',
    timeoutMs: run.settings.timeouts.gate,
    gates: [
      { gate: 'cluster-healthy', group, except: [] },
      { gate: 'one-primary', group },
      {
        gate: 'all-on-target',
        group,
        versions: Object.fromEntries(members.map((id) => [id, spec.version])),
      },
    ],
  });
  if (run.state.plan?.means?.backup === true) {
    const copies = await act('compareCopies', 'compare the copies of all members', run.target);
    requirePass(run, copies, 'COPIES_DIFFER', 'Retry; if it stays so, find out which copy is right.');
  }
}
