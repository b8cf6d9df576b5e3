import { describe, expect, it } from 'vitest';
import { known } from '../../src/contracts/observed.js';
import type { NodeProgress } from '../../src/contracts/run.js';
import type { ClusterView, GroupView } from '../../src/contracts/view.js';
import { nextStep, switchBefore, switchByLast, type NextStep } from '../../src/planning/next-step.js';
import { dark, ids, leveledView, type Leveled } from './sample.js';

const [low, high] = ['3.5.9', '3.6.1'];
const all = (version: string): Record<string, string> => Object.fromEntries(ids.map((id) => [id, version]));

const next = (view: ClusterView, change: Partial<Parameters<typeof nextStep>[0]> = {}): NextStep =>
  nextStep({
    ...{ view, targets: all(high), progress: [], skipped: [], preferredPrimaries: [], level: '3.6' },
    ...change,
  });

/** pg-2 leads by now, as after a handover. */
const moved = {
  changes: {
    'pg-1': { role: known('replica'), upstream: known('pg-2') },
    'pg-2': { role: known('primary'), upstream: known(undefined) },
    'pg-3': { upstream: known('pg-2') },
  },
  group: { primaries: ['pg-2'] },
} satisfies Leveled;

const mine = (status: NodeProgress['status']): NodeProgress => ({
  id: 'pg-1',
  group: 'default',
  from: low,
  to: high,
  roleBefore: 'primary',
  status,
});

describe('R-SWITCH-4: where the last node raises the level, the switch is a step before it', () => {
  it.each<{ why: string; view: ClusterView; step: Partial<NextStep> }>([
    {
      why: 'not before the first',
      view: leveledView(),
      step: { kind: 'replace', node: 'pg-2', to: high },
    },
    {
      why: 'not before the last but one',
      view: leveledView({ versions: [low, high, low] }),
      step: { kind: 'replace', node: 'pg-3' },
    },
    {
      why: 'the handover comes before it',
      view: leveledView({ versions: [low, high, high] }),
      step: { kind: 'handover', from: 'pg-1', candidates: ['pg-2', 'pg-3'] },
    },
    {
      why: 'before the last',
      view: leveledView({ versions: [low, high, high], ...moved }),
      step: { kind: 'switch', how: 'by-last-node', group: 'default', to: '3.6', last: 'pg-1' },
    },
    {
      why: 'nothing when all are there',
      view: leveledView({ versions: [high, high, high], active: known('3.6') }),
      step: { kind: 'complete' },
    },
  ])('$why', ({ view, step }) => {
    expect(next(view)).toMatchObject(step);
  });

  it('when it is cleared, the last node is replaced', () => {
    const view = leveledView({ versions: [low, high, high], ...moved });
    expect(next(view, { cleared: ['default'] })).toMatchObject({ kind: 'replace', node: 'pg-1' });
    expect(next(view, { cleared: ['another'] })).toMatchObject({ kind: 'switch' });
  });

  it('a node that the operator skipped keeps the level down: no other is the last', () => {
    const view = leveledView({ versions: [low, high, low], ...moved });
    expect(next(view, { skipped: ['pg-3'] })).toMatchObject({ kind: 'replace', node: 'pg-1' });
  });

  it('a node that has no target keeps nothing down', () => {
    const view = leveledView({ versions: [low, high, low], ...moved });
    const targets = { 'pg-1': high, 'pg-2': high };
    expect(next(view, { targets })).toMatchObject({ kind: 'switch', last: 'pg-1' });
  });

  it('a patch release of a series switches nothing', () => {
    const versions = ['3.6.0', high, high] as const;
    for (const level of ['3.6', undefined]) {
      const view = leveledView({ versions, active: known('3.6'), ...moved });
      expect(next(view, { level })).toMatchObject({ kind: 'replace', node: 'pg-1' });
    }
  });

  it('on the way back to the lower series nothing is raised', () => {
    const view = leveledView({ versions: [low, low, high], active: known('3.5') });
    expect(next(view, { targets: all(low), level: '3.5' })).toMatchObject({ kind: 'replace', node: 'pg-3' });
  });

  it.each([
    {
      why: 'the version of the last',
      view: leveledView({
        versions: [low, high, high],
        ...moved,
        changes: { ...moved.changes, 'pg-1': { ...moved.changes['pg-1'], version: dark } },
      }),
    },
    { why: 'the level', view: leveledView({ versions: [low, high, high], active: dark, ...moved }) },
    {
      why: 'whether the group has a level',
      view: leveledView({
        versions: [low, high, high],
        ...moved,
        group: { ...moved.group, level: undefined },
      }),
    },
  ])('$why is not known: nobody is passed over', ({ view }) => {
    expect(next(view)).toMatchObject({ kind: 'switch', how: 'by-last-node', last: 'pg-1' });
  });

  it('another node whose version is not known may be the last as well', () => {
    const view = leveledView({
      versions: [low, high, high],
      ...moved,
      changes: { 'pg-3': { version: dark } },
    });
    const [group] = view.groups;
    if (!group) throw new Error('no group');
    expect(switchByLast(group, 'pg-1', all(high), '3.6')).toBeUndefined();
    expect(switchByLast(group, 'pg-3', all(high), '3.6')).toBeUndefined();
    // Neither is the last for sure; the one whose version nobody knows is replaced before that is asked again.
    expect(next(view)).toMatchObject({ kind: 'replace', node: 'pg-3' });
  });
});

describe('R-SWITCH-3: what is said to the system before any node changes', () => {
  const group = (active: string, lowering?: string): GroupView => {
    const [seen] = leveledView({ active: known(active), lowering: known(lowering) }).groups;
    if (!seen) throw new Error('no group');
    return seen;
  };

  it.each([
    { active: '3.6', lowering: undefined, to: '3.5', how: 'lower' },
    { active: '3.6', lowering: '3.5', to: '3.5', how: undefined },
    { active: '3.5', lowering: '3.5', to: '3.5', how: undefined },
    { active: '3.5', lowering: undefined, to: '3.5', how: undefined },
    { active: '3.5', lowering: undefined, to: '3.6', how: undefined },
    { active: '3.6', lowering: undefined, to: '3.6', how: undefined },
    { active: '3.5', lowering: '3.5', to: '3.6', how: 'cancel' },
    { active: '3.6', lowering: '3.5', to: '3.6', how: 'cancel' },
    { active: '3.10', lowering: undefined, to: '3.9', how: 'lower' },
  ])('on $active, being lowered to $lowering, towards $to: $how', ({ active, lowering, to, how }) => {
    expect(switchBefore(group(active, lowering), to)?.how).toBe(how);
  });

  it.each([
    { why: 'the level', level: { active: dark, lowering: known(undefined) } },
    { why: 'any level', level: undefined },
  ])('without knowing $why nothing is said', ({ level }) => {
    expect(switchBefore({ ...group('3.6'), level }, '3.5')).toBeUndefined();
  });

  it.each([
    { why: 'all are later: it may rise at any moment', versions: [high, high, high], how: 'lower' },
    { why: 'one holds it down', versions: [high, low, high], how: undefined },
    { why: 'patch releases of it', versions: [low, '3.5.30', '3.5.31'], how: undefined },
  ] as const)(
    'a level that the nodes could leave is waited for before it is lowered: $why',
    ({ versions, how }) => {
      for (const active of [known('3.5'), dark]) {
        const [seen] = leveledView({ versions, active }).groups;
        expect(seen && switchBefore(seen, '3.5')?.how).toBe(how);
      }
    },
  );

  it('a node whose version is not known may hold it down: its own gate asks it', () => {
    const view = leveledView({ versions: [high, high, high], changes: { 'pg-2': { version: dark } } });
    const [seen] = view.groups;
    expect(seen && switchBefore(seen, '3.5')).toBeUndefined();
  });

  it('a lowering comes before the first node', () => {
    const view = leveledView({ versions: [high, high, high], active: known('3.6') });
    expect(next(view, { targets: all(low), level: '3.5' })).toMatchObject({
      kind: 'switch',
      how: 'lower',
      to: '3.5',
    });
    const under = leveledView({
      versions: [high, high, high],
      active: known('3.5'),
      lowering: known('3.5'),
    });
    expect(next(under, { targets: all(low), level: '3.5' })).toMatchObject({ kind: 'replace', node: 'pg-2' });
  });

  it('a lowering under way is cancelled before the first node, and even if the switch was cleared', () => {
    const view = leveledView({ versions: [high, low, low], lowering: known('3.5') });
    for (const cleared of [[], ['default']]) {
      expect(next(view, { cleared })).toMatchObject({ kind: 'switch', how: 'cancel', to: '3.6' });
    }
  });

  it('a cluster whose level was raised under the run is lowered before a node of ours is put back', () => {
    const view = leveledView({ versions: [high, high, high], active: known('3.6'), ...moved });
    const back = { targets: all(low), level: '3.5', progress: [mine('rejoining')] };
    expect(next(view, back)).toMatchObject({ kind: 'switch', how: 'lower', to: '3.5' });
    const lowered = leveledView({
      versions: [high, high, high],
      active: known('3.5'),
      lowering: known('3.5'),
      ...moved,
    });
    expect(next(lowered, back)).toMatchObject({ kind: 'replace', node: 'pg-1', resume: true });
  });

  it('a node of ours that is down is put back before a lowering is cancelled: only that heals it', () => {
    const view = leveledView({
      versions: [low, high, high],
      lowering: known('3.5'),
      ...moved,
      changes: { ...moved.changes, 'pg-1': { reachable: known(false), role: dark, version: dark } },
    });
    expect(next(view, { progress: [mine('failed')] })).toMatchObject({
      kind: 'replace',
      node: 'pg-1',
      resume: true,
    });
  });

  it('a system without levels is never asked', () => {
    const view = leveledView({ versions: [high, high, high], active: known('3.6') });
    expect(next(view, { targets: all(low), level: undefined })).toMatchObject({ kind: 'replace' });
  });
});
