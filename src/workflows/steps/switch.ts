import type { Gate } from '../../contracts/gate.js';
import { valueOf } from '../../contracts/observed.js';
import type { SwitchRecord } from '../../contracts/run.js';
import type { ClusterView, NodeId } from '../../contracts/view.js';
import type { NextStep } from '../../planning/next-step.js';
import { act } from '../activities.js';
import { passGates } from '../gates.js';
import { now, tell, type Run, upgradeOf } from '../run.js';
import { push, settle } from '../saga.js';
import { compareCopies, saveAndCompare } from './backup.js';

type Switch = Extract<NextStep, { kind: 'switch' }>;

/**
 * R-SWITCH: predicates, then the approval, then the burn-in; only then the level may change. Where the last node
 * changes it, nothing more is done here: the replacement of that node is what this has cleared.
 */
export async function switchLevel(
  run: Run,
  step: Switch,
  view: ClusterView,
  approval: () => Promise<void>,
  /** What each member is to report before; default: what the run brings every node to. */
  targets: Readonly<Record<NodeId, string>> = targetsOf(run.state),
): Promise<void> {
  const { group, how, to } = step;
  const record = recordOf(run, step, view);
  if (record.predicates.length === 0) await latch(run, step, record, targets);
  // Nobody is asked to switch copies that differ.
  await compareCopies(run);
  await approval();
  // What goes down or stays is no new behaviour that could show itself.
  if (how === 'by-last-node') await burnIn(run, step, view);
  // Last: an approval may come a day after it was asked for.
  await saveAndCompare(run, `${how === 'cancel' ? 'before-cancelling' : 'before-level'}-${to}`);
  if (how === 'lower') {
    push(run, { id: levelId(group), kind: 'cancel-lowering', group });
    await act('lowerLevel', `lower the level of ${group} to ${to}`, { ...run.target, to });
    tell(run, 'switch', `${group} is being lowered to level ${to}`);
  }
  if (how === 'cancel') {
    await act('cancelLowering', `withdraw the lowering of ${group}`, run.target);
    settle(run, levelId(group));
    tell(run, 'switch', `the lowering of ${group} is withdrawn`);
  }
  record.clearedAt = now();
}

/** A node on the lower level has been replaced: from now on the loop itself goes on or back. */
export const settleLowering = (run: Run, group: string): void => settle(run, levelId(group));

const levelId = (group: string): string => `level/${group}`;

function recordOf(run: Run, { group, how, to }: Switch, view: ClusterView): SwitchRecord {
  const open = run.state.switches.find(
    (s) => s.group === group && s.to === to && s.how === how && s.clearedAt === undefined,
  );
  if (open) return open;
  const level = view.groups.find((g) => g.id === group)?.level;
  const { levels } = run.state.plan ?? {};
  const other = levels?.to === to ? levels.from : levels?.to;
  // What is to be lowered may still be on its way up.
  const from = (how === 'lower' ? other : undefined) ?? (level && valueOf(level.active)) ?? other ?? '';
  const record: SwitchRecord = { group, from, to, how, predicates: [], nodesAtLevel: [] };
  run.state.switches.push(record);
  return record;
}

const targetsOf = ({ nodes, direction }: Run['state']): Record<NodeId, string> =>
  Object.fromEntries(nodes.map((n) => [n.id, direction === 'forward' ? n.to : n.from]));

async function latch(
  run: Run,
  { group, how, last, to }: Switch,
  record: SwitchRecord,
  targets: Readonly<Record<NodeId, string>>,
): Promise<void> {
  const { state, settings } = run;
  const gates: Gate[] = [
    { gate: 'cluster-healthy', group, except: [] },
    { gate: 'one-primary', group },
    { gate: 'no-obstacles', group, accepted: settings.accept },
    ...(how === 'by-last-node' && last !== undefined
      ? [
          {
            gate: 'all-on-target' as const,
            group,
            versions: Object.fromEntries(
              Object.entries(targets).filter(([id]) => groupOf(state, id) === group),
            ),
            except: [last],
          },
        ]
      : []),
    // Lowered before it is up on every node, it would be refused, or rise afterwards.
    ...(how === 'lower' && record.from !== to
      ? [{ gate: 'level-active' as const, group, level: record.from }]
      : []),
  ];
  await passGates(run, { what: `before level ${to}`, timeoutMs: settings.timeouts.gate, gates });
  record.predicates = gates.flatMap(({ gate }) => {
    const seen = state.gates.find((g) => g.name === gate && g.node === undefined);
    return seen ? [{ name: gate, observed: seen.observed, at: seen.at }] : [];
  });
}

const groupOf = ({ nodes }: Run['state'], id: NodeId): string | undefined =>
  nodes.find((n) => n.id === id)?.group;

async function burnIn(run: Run, { group, to }: Switch, view: ClusterView): Promise<void> {
  const { settings } = run;
  const forMs = upgradeOf(run).switch.burnIn;
  if (forMs === 0) return;
  await passGates(run, {
    what: `every node holds for ${forMs} ms before level ${to}`,
    timeoutMs: settings.timeouts.gate + forMs,
    gates: (view.groups.find((g) => g.id === group)?.nodes ?? []).map((n) => ({
      gate: 'soak-held' as const,
      node: n.id,
      forMs,
    })),
  });
}

/** The last node has changed, or gone: the level that was cleared must come up on every node, or the step has failed. */
export async function awaitLevel(
  run: Run,
  group: string,
  level: string | undefined,
  members?: readonly NodeId[],
): Promise<void> {
  const cleared = run.state.switches.some(
    (s) => s.group === group && s.to === level && s.clearedAt !== undefined && s.at === undefined,
  );
  if (level === undefined || !cleared) return;
  await passGates(run, {
    what: `every node of ${group} comes to level ${level}`,
    timeoutMs: run.settings.timeouts.gate,
    gates: [{ gate: 'level-active', group, level }],
  });
  levelReached(run, level, members);
}

/** Every member has just been seen on it. */
export function levelReached(
  run: Run,
  level: string,
  members: readonly NodeId[] = run.state.nodes.map((n) => n.id),
): void {
  const { state } = run;
  const at = now();
  for (const record of state.switches.filter((s) => s.to === level && s.at === undefined)) {
    record.at = at;
    record.nodesAtLevel = state.nodes
      .filter((n) => n.group === record.group && members.includes(n.id))
      .map((n) => n.id);
    tell(run, 'switch', `every node of ${record.group} is on level ${level}`);
  }
}
