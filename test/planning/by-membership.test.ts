import { describe, expect, it } from 'vitest';
import type { MembersView } from '../../src/contracts/activities.js';
import { known } from '../../src/contracts/observed.js';
import type { ArtifactReport, Plan } from '../../src/contracts/plan.js';
import type { Member } from '../../src/contracts/ports/data-system.js';
import { ClusterSpec } from '../../src/contracts/spec.js';
import { nodesOf, type GroupView } from '../../src/contracts/view.js';
import { nextReplacement, type NextReplacement } from '../../src/planning/membership/next-replacement.js';
import { planByMembership, type MembershipPlanInput } from '../../src/planning/membership/plan.js';
import { dark, levelRules, leveledPlanInput, node, sampleUpgrade, sampleView } from './sample.js';

const [low, high] = ['3.5.9', '3.6.1'];
const replacements = { 'pg-1': 'pg-4', 'pg-2': 'pg-5', 'pg-3': 'pg-6' };
const pairs = Object.entries(replacements).map(([old, fresh]) => ({ old, fresh }));
const back = pairs.map(({ old, fresh }) => ({ old: fresh, fresh: old }));
const declared = ['pg-1', 'pg-2', 'pg-3', 'pg-4', 'pg-5', 'pg-6'];
const comes = (id: string): boolean => Object.values(replacements).includes(id);

interface Stand {
  /** Voters, in any order; who came runs the later version. */
  readonly members: readonly string[];
  readonly leads?: string;
  readonly learner?: string;
  readonly level?: GroupView['level'];
  readonly versions?: Readonly<Record<string, string>>;
}

/** A cluster of these members. Its level is the lower one as long as somebody runs the lower version. */
function seen({ members, leads = 'pg-1', learner, level, versions = {} }: Stand): MembersView {
  const all = [...members, ...(learner === undefined ? [] : [learner])];
  const versionOf = (id: string): string => versions[id] ?? (comes(id) ? high : low);
  const active = all.every((id) => versionOf(id) === high) ? '3.6' : '3.5';
  const list: Member[] = all.map((id) => ({
    ...{ id: `id-of-${id}`, node: id, started: true },
    role: id === learner ? 'learner' : 'voter',
  }));
  const nodes = all.map((id) =>
    node(id, {
      version: known(versionOf(id)),
      role: known(id === learner ? 'learner' : id === leads ? 'primary' : 'replica'),
      upstream: known(id === leads ? undefined : leads),
      level: known(active),
    }),
  );
  return {
    members: known(list),
    view: sampleView(
      {},
      {
        primaries: [leads],
        nodes,
        level: level ?? { active: known(active), lowering: known(undefined) },
      },
    ),
    empty: Object.fromEntries(declared.filter((id) => !all.includes(id)).map((id) => [id, known(true)])),
  };
}

const next = (stand: Stand, cleared: readonly string[] = []): NextReplacement =>
  nextReplacement({ seen: seen(stand), pairs, level: '3.6', cleared });

describe('R-ROLL-11: the next replacement is decided from the member list alone', () => {
  const cases: readonly (readonly [string, Stand, NextReplacement])[] = [
    ['a new member joins before an old one goes', { members: ['pg-1', 'pg-2', 'pg-3'] }, add('pg-5')],
    [
      'a learner has not joined: it is gone on with',
      { members: ['pg-1', 'pg-2', 'pg-3'], learner: 'pg-5' },
      add('pg-5'),
    ],
    ['it has its vote: the old one goes', { members: ['pg-1', 'pg-2', 'pg-3', 'pg-5'] }, remove('pg-2')],
    ['one at a time', { members: ['pg-1', 'pg-3', 'pg-5'] }, add('pg-6')],
    ['the one that leads goes last', { members: ['pg-1', 'pg-5', 'pg-6'] }, add('pg-4')],
    [
      'and hands over first, to a new one',
      { members: ['pg-1', 'pg-4', 'pg-5', 'pg-6'] },
      { kind: 'handover', group: 'default', from: 'pg-1', candidates: ['pg-5', 'pg-6', 'pg-4'] },
    ],
    [
      'a leader that has moved by itself goes last',
      { members: ['pg-1', 'pg-2', 'pg-3'], leads: 'pg-2' },
      add('pg-4'),
    ],
    [
      'R-SWITCH-4: the approval comes before the last old one',
      { members: ['pg-1', 'pg-4', 'pg-5', 'pg-6'], leads: 'pg-4' },
      { kind: 'switch', group: 'default', how: 'by-last-node', to: '3.6', last: 'pg-1' },
    ],
    ['nobody is left', { members: ['pg-4', 'pg-5', 'pg-6'], leads: 'pg-4' }, { kind: 'complete' }],
  ];
  it.each(cases)('%s', (_what, stand, step) => {
    expect(next(stand)).toEqual(step);
  });

  it('what has been cleared is not asked again', () => {
    const stand = { members: ['pg-1', 'pg-4', 'pg-5', 'pg-6'], leads: 'pg-4' };
    expect(next(stand, ['default'])).toEqual(remove('pg-1'));
    expect(next(stand, ['another'])).toMatchObject({ kind: 'switch' });
  });

  it('a version that is not known may hold the level down', () => {
    const view = seen({ members: ['pg-1', 'pg-4', 'pg-5', 'pg-6'], leads: 'pg-4' });
    const [group] = view.view?.groups ?? [];
    const nodes = group?.nodes.map((n) => (n.id === 'pg-1' ? { ...n, version: dark } : n));
    const hidden = { ...view, view: sampleView({}, { ...group, nodes }) };
    expect(nextReplacement({ seen: hidden, pairs, level: '3.6' })).toMatchObject({ kind: 'switch' });
  });

  it('without a change of level nobody is asked', () => {
    const stand = { members: ['pg-1', 'pg-4', 'pg-5', 'pg-6'], leads: 'pg-4' };
    expect(nextReplacement({ seen: seen(stand), pairs, level: '3.5' })).toEqual(remove('pg-1'));
    expect(nextReplacement({ seen: seen(stand), pairs })).toEqual(remove('pg-1'));
  });

  it('the way back is the same with old and new exchanged', () => {
    const at = (stand: Stand) => nextReplacement({ seen: seen(stand), pairs: back, level: '3.5' });
    expect(at({ members: ['pg-1', 'pg-3', 'pg-5'] })).toEqual(add('pg-2'));
    expect(at({ members: ['pg-1', 'pg-2', 'pg-3', 'pg-5'] })).toEqual(remove('pg-5'));
    expect(at({ members: ['pg-1', 'pg-2', 'pg-3'] })).toEqual({ kind: 'complete' });
    // A learner that has no vote yet is removed like a member.
    expect(at({ members: ['pg-1', 'pg-2', 'pg-3'], learner: 'pg-5' })).toEqual(remove('pg-5'));
  });

  it('R-SWITCH-3: after the switch there is no way back by membership', () => {
    const stand = { members: ['pg-4', 'pg-5', 'pg-6'], leads: 'pg-4' };
    expect(nextReplacement({ seen: seen(stand), pairs: back, level: '3.5' })).toMatchObject({
      kind: 'stuck',
      message: expect.stringContaining(
        'no member of the lower version can join while it is lowered',
      ) as string,
      remedy: expect.stringContaining('strategy in-place') as string,
    });
  });

  it('a lowering that somebody has begun is withdrawn first', () => {
    const level = { active: known('3.6'), lowering: known<string | undefined>('3.5') };
    expect(next({ members: ['pg-1', 'pg-2', 'pg-3'], level })).toMatchObject({
      kind: 'switch',
      how: 'cancel',
    });
  });

  it('who leads must be known, and who is a member', () => {
    const view = seen({ members: ['pg-1', 'pg-2', 'pg-3'] });
    expect(nextReplacement({ seen: { ...view, members: dark }, pairs, level: '3.6' })).toMatchObject({
      kind: 'stuck',
      message: 'the members of the cluster are not known: permission denied',
    });
    const split = sampleView({}, { primaries: ['pg-1', 'pg-2'] });
    expect(nextReplacement({ seen: { ...view, view: split }, pairs, level: '3.6' })).toMatchObject({
      kind: 'stuck',
      message: 'the members of the cluster are not known: no single leader answers',
    });
  });
});

function add(id: string): NextReplacement {
  return { kind: 'add', node: id };
}

function remove(id: string): NextReplacement {
  return { kind: 'remove', node: id };
}

const three = { members: ['pg-1', 'pg-2', 'pg-3'] };

const clusterOf = (ids: readonly string[]): ClusterSpec =>
  ClusterSpec.parse({
    name: 'orders',
    system: 'sample',
    nodes: ids.map((id) => ({ id, address: `${id}.example:2379`, host: { kind: 'sample' } })),
    artifacts: Object.fromEntries([low, high].map((v) => [v, { path: `/opt/${v}`, sha256: 'a'.repeat(64) }])),
  });

interface Change extends Partial<MembershipPlanInput> {
  readonly stand?: Stand;
  readonly spec?: Record<string, unknown>;
}

/** Who stays has the former version on its host, who comes the target, and neither the other. */
const artifactsOf = (ids: readonly string[]): ArtifactReport[] =>
  ids.flatMap((id) =>
    [low, high].map((version) => ({
      ...{ node: id, version },
      state:
        (version === high) === comes(id)
          ? { kind: 'ok', sha256: 'a'.repeat(64) }
          : { kind: 'absent', path: `/opt/${version}` },
    })),
  );

function planInput({ stand = three, spec = {}, ...change }: Change = {}): MembershipPlanInput {
  const what = change.seen ?? seen(stand);
  const view = what.view ?? sampleView();
  const ids = nodesOf(view).map((n) => n.id);
  return {
    ...leveledPlanInput({ view }),
    cluster: clusterOf(ids),
    upgrade: sampleUpgrade({ to: high, strategy: 'by-membership', replacements, ...spec }),
    artifacts: artifactsOf(declared),
    capabilities: { handover: 'transfer', probe: true, backup: true, membership: true },
    seen: what,
    declared,
    ...change,
  };
}

const plan = (change: Change = {}): Plan => planByMembership(planInput(change));
const stepIds = (made: Plan): string[] => made.steps.map((s) => s.id);

describe('R-PLAN-1, R-ROLL-11: the plan of a replacement by membership', () => {
  it('in the order of the run: the former leader last, the switch before the last removal', () => {
    const made = plan();
    expect(made.refusals).toEqual([]);
    expect(made.kind).toBe('possible');
    expect(stepIds(made)).toEqual([
      ...['prepare', 'add/pg-5', 'remove/pg-2', 'add/pg-6', 'remove/pg-3', 'add/pg-4'],
      ...['handover/default', 'switch/default', 'remove/pg-1', 'finish'],
    ]);
    expect(made.levels).toEqual({ from: '3.5', to: '3.6' });
    expect(made.nodes).toMatchObject([
      { id: 'pg-2', role: 'replica', from: low, to: 'removed' },
      { id: 'pg-5', role: 'none', from: 'none', to: high },
      { id: 'pg-3', from: low, to: 'removed' },
      { id: 'pg-6', from: 'none', to: high },
      { id: 'pg-1', role: 'primary', from: low, to: 'removed' },
      { id: 'pg-4', from: 'none', to: high },
    ]);
    const joins = made.steps.find((s) => s.id === 'add/pg-5');
    expect(joins?.gates).toContain('learner-caught-up');
    expect(joins?.effects.join(' ')).toContain('at most 100 behind');
  });

  it('R-SWITCH-3: the switch is the point of no return, and says why', () => {
    const made = plan();
    expect(made.pointOfNoReturn).toBe('switch/default');
    const step = made.steps.find((s) => s.id === 'switch/default');
    expect(step).toMatchObject({ reversibility: 'none', approval: true });
    expect(step?.effects.at(-1)).toContain('after pg-1 this run cannot go back');
    expect(step?.effects.at(-1)).toContain('strategy in-place');
    const others = made.steps.filter((s) => s.id !== 'switch/default').map((s) => s.reversibility);
    expect(others).not.toContain('none');
  });

  it('a system whose members may join while the level is lowered has a way back', () => {
    const rules = { ...levelRules, levels: { ...levelRules.levels, joinsWhileLowering: true } };
    const made = plan({
      rules: { ...rules, levels: { ...rules.levels, lowered: 'by-command', lowerFrom: '3.6', source: 'x' } },
    });
    expect(made.pointOfNoReturn).toBeUndefined();
    expect(made.steps.find((s) => s.id === 'switch/default')?.reversibility).toBe('re-roll');
  });

  it('from where another run has stopped', () => {
    expect(stepIds(plan({ stand: { members: ['pg-1', 'pg-3', 'pg-5'] } }))).toEqual([
      ...['prepare', 'add/pg-6', 'remove/pg-3', 'add/pg-4'],
      ...['handover/default', 'switch/default', 'remove/pg-1', 'finish'],
    ]);
    const last = plan({ stand: { members: ['pg-1', 'pg-4', 'pg-5', 'pg-6'], leads: 'pg-4' } });
    expect(last.refusals).toEqual([]);
    expect(stepIds(last)).toEqual(['prepare', 'switch/default', 'remove/pg-1', 'finish']);
    expect(plan({ stand: { members: ['pg-4', 'pg-5', 'pg-6'], leads: 'pg-4' } })).toMatchObject({
      kind: 'done',
      steps: [],
    });
  });

  it('approvals by step; those of steps that have been taken stay valid', () => {
    const before = ['add/pg-5', 'remove/pg-1'];
    const asked = (stand: Stand) =>
      plan({ stand, spec: { approvals: { before }, switch: { approval: false } } });
    expect(
      asked(three)
        .steps.filter((s) => s.approval)
        .map((s) => s.id),
    ).toEqual(before);
    const later = asked({ members: ['pg-1', 'pg-3', 'pg-5'] });
    expect(later.refusals).toEqual([]);
    expect(later.steps.filter((s) => s.approval).map((s) => s.id)).toEqual(['remove/pg-1']);
  });

  it('a node that is declared and neither member nor named takes no part', () => {
    const made = plan({ declared: [...declared, 'pg-7'] });
    expect(made.notes).toEqual(['pg-7 is no member and takes no part']);
  });

  it('its hash covers order and names', () => {
    const base = plan().hash;
    const exchanged = { 'pg-1': 'pg-4', 'pg-2': 'pg-6', 'pg-3': 'pg-5' };
    expect(plan({ spec: { replacements: exchanged } }).hash).not.toBe(base);
    expect(plan({ spec: { learnerLag: 3 } }).hash).not.toBe(base);
    expect(plan({ stand: { ...three, leads: 'pg-2' } }).hash).not.toBe(base);
    expect(plan({ spec: { poll: '7ms' } }).hash).toBe(base);
  });
});

describe('R-PLAN-2: a replacement by membership is refused by name, with a remedy', () => {
  const refused = (change: Change): { codes: string[]; made: Plan } => {
    const made = plan(change);
    expect(made).toMatchObject({ kind: 'refused', steps: [] });
    for (const refusal of made.refusals) expect(refusal.remedy).not.toBe('');
    return { codes: made.refusals.map((r) => r.code), made };
  };

  it('STRATEGY_UNSUPPORTED: a system without a member list', () => {
    const { codes, made } = refused({
      capabilities: { handover: 'transfer', probe: true, backup: true, membership: false },
    });
    expect(codes).toEqual(['STRATEGY_UNSUPPORTED']);
    expect(made.refusals[0]?.remedy).toBe('Use strategy in-place.');
  });

  it('DOWNGRADE_IN_PLACE_ONLY: the way down is not by membership', () => {
    const members = ['pg-1', 'pg-2', 'pg-3'];
    const versions = Object.fromEntries(members.map((id) => [id, high]));
    const { codes, made } = refused({
      stand: { members, versions },
      spec: { to: low },
      artifacts: declared.flatMap((id) =>
        [low, high].map((version) => ({
          ...{ node: id, version },
          state: { kind: 'ok', sha256: 'a'.repeat(64) } as const,
        })),
      ),
    });
    expect(codes).toEqual(['DOWNGRADE_IN_PLACE_ONLY']);
    expect(made.refusals[0]).toMatchObject({
      message: expect.stringContaining('the level goes 3.6 → 3.5') as string,
      remedy: 'Use strategy in-place.',
    });
  });

  it('REPLACEMENT_CLASH: one new node for two old ones', () => {
    const clash = { 'pg-1': 'pg-4', 'pg-2': 'pg-4', 'pg-3': 'pg-6' };
    const { codes, made } = refused({ spec: { replacements: clash } });
    expect(codes).toContain('REPLACEMENT_CLASH');
    expect(made.refusals.find((r) => r.code === 'REPLACEMENT_CLASH')).toMatchObject({ node: 'pg-4' });
  });

  it('UNKNOWN_NODE: a name that the cluster file does not have', () => {
    const { made } = refused({ spec: { replacements: { ...replacements, 'pg-3': 'pg-9' } } });
    expect(made.refusals.find((r) => r.code === 'UNKNOWN_NODE')).toMatchObject({
      node: 'pg-9',
      remedy: expect.stringContaining('Add pg-9 to the nodes of the cluster file') as string,
    });
  });

  it('REPLACEMENT_MISSING: a member that would stay on the former version', () => {
    const { codes, made } = refused({ spec: { replacements: { 'pg-1': 'pg-4', 'pg-2': 'pg-5' } } });
    expect(codes).toEqual(['REPLACEMENT_MISSING']);
    expect(made.refusals[0]).toMatchObject({
      node: 'pg-3',
      remedy: 'Add "pg-3: <new node>" to replacements.',
    });
    // One that is on the target already may stay.
    const stays = plan({
      stand: { ...three, versions: { 'pg-3': high } },
      spec: { replacements: { 'pg-1': 'pg-4', 'pg-2': 'pg-5' } },
    });
    expect(stays.kind).toBe('possible');
  });

  it('TARGET_NOT_EMPTY: somebody else’s data, or data that cannot be read', () => {
    const base = seen(three);
    for (const [empty, says] of [
      [known(false), 'is not empty'],
      [dark, 'permission denied'],
    ] as const) {
      const { codes, made } = refused({ seen: { ...base, empty: { ...base.empty, 'pg-5': empty } } });
      expect(codes).toEqual(['TARGET_NOT_EMPTY']);
      expect(made.refusals[0]).toMatchObject({
        node: 'pg-5',
        message: expect.stringContaining(says) as string,
      });
    }
  });

  it('ARTIFACT_ABSENT: the target on the host of the new one, the former version for the way back', () => {
    const without = (id: string, version: string) =>
      artifactsOf(declared).filter((a) => a.node !== id || a.version !== version);
    const coming = refused({ artifacts: without('pg-5', high) });
    expect(coming.made.refusals).toMatchObject([{ code: 'ARTIFACT_ABSENT', node: 'pg-5' }]);
    const going = refused({ artifacts: without('pg-2', low) });
    expect(going.made.refusals).toMatchObject([{ code: 'ARTIFACT_UNKNOWN', node: 'pg-2' }]);
    expect(going.made.refusals[0]?.remedy).toContain('A rollback would need it.');
  });

  it('what forbids every run: the version path, quorum, a name that is no step', () => {
    expect(refused({ spec: { to: '3.8.0' }, artifacts: [] }).codes).toContain('TOO_FAR');
    const base = seen(three);
    const [group] = base.view?.groups ?? [];
    const nodes = group?.nodes.map((n) =>
      n.id === 'pg-2' ? { ...n, stop: { verdict: 'hold' as const, evidence: 'it is needed' } } : n,
    );
    const needed = { ...base, view: sampleView({}, { ...group, nodes }) };
    expect(refused({ seen: needed }).made.refusals).toMatchObject([{ code: 'NO_QUORUM', node: 'pg-2' }]);
    expect(refused({ spec: { approvals: { before: ['add/pg-1'] } } }).codes).toEqual(['UNKNOWN_STEP']);
  });

  it('NODE_UNREACHABLE: a member list that cannot be read, and who does not answer', () => {
    const view = sampleView({ 'pg-1': { reachable: dark } });
    expect(refused({ seen: { members: dark, view, empty: {} } }).codes).toContain('NODE_UNREACHABLE');
  });
});
