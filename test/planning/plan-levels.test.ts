import { describe, expect, it } from 'vitest';
import { known } from '../../src/contracts/observed.js';
import type { Plan, PlanStep } from '../../src/contracts/plan.js';
import { describePlan } from '../../src/planning/describe.js';
import { planRollingUpgrade } from '../../src/planning/plan.js';
import { dark, leveledPlanInput, leveledView, levelRules } from './sample.js';

type Change = Parameters<typeof leveledPlanInput>[0];

const plan = (change: Change = {}): Plan => planRollingUpgrade(leveledPlanInput(change));
const ids = (p: Plan): string[] => p.steps.map((s) => s.id);
const codes = (p: Plan): string[] => [...new Set(p.refusals.map((r) => r.code))].sort();
const step = (p: Plan, id: string): PlanStep => {
  const found = p.steps.find((s) => s.id === id);
  if (!found) throw new Error(`no step ${id} in ${ids(p).join(', ')}`);
  return found;
};

const [low, high] = ['3.5.9', '3.6.1'];
const raised = { versions: [high, high, high], active: known('3.6') } as const;
/** A downgrade that another run has left: pg-1 has not changed yet. */
const halfDown = { versions: [high, low, low], active: known('3.5'), lowering: known('3.5') } as const;

describe('R-SWITCH-4: the level goes up with the last node', () => {
  it('the switch is a step after the handover and before the last node', () => {
    const made = plan();
    expect(made).toMatchObject({ kind: 'possible', refusals: [], levels: { from: '3.5', to: '3.6' } });
    expect(ids(made)).toEqual([
      'prepare',
      'replace/pg-2',
      'replace/pg-3',
      'handover/default',
      'switch/default',
      'replace/pg-1',
      'finish',
    ]);
    const { title, action } = step(made, 'switch/default');
    expect(title).toBe('Let the level go 3.5 → 3.6, with pg-1 as the last node');
    expect(action).toEqual({
      ...{ kind: 'switch', group: 'default', from: '3.5', to: '3.6' },
      ...{ how: 'by-last-node', last: 'pg-1' },
    });
  });

  it('its gates in the order in which they are asked, and that the level is verified at the end', () => {
    const made = plan();
    const asked = ['cluster-healthy', 'one-primary', 'no-obstacles', 'all-on-target'];
    expect(step(made, 'switch/default').gates).toEqual([...asked, 'copies-identical', 'backup-verified']);
    expect(step(made, 'finish').gates).toEqual([
      'cluster-healthy',
      'one-primary',
      'all-on-target',
      'level-active',
    ]);
    expect(step(made, 'finish').effects.join('\n')).toContain('verifies that every node is on level 3.6');
    expect(step(made, 'replace/pg-2').gates).not.toContain('node-level');
  });

  it('the last node is another one where the primary is on the target already', () => {
    const made = plan({ view: leveledView({ versions: [high, low, low] }) });
    expect(ids(made)).toEqual(['prepare', 'replace/pg-2', 'switch/default', 'replace/pg-3', 'finish']);
  });

  it('R-PLAN-3: the last node alone is still asked for', () => {
    const made = plan({ view: leveledView({ versions: [low, high, high] }) });
    expect(ids(made)).toEqual(['prepare', 'handover/default', 'switch/default', 'replace/pg-1', 'finish']);
  });

  it('a patch release switches nothing', () => {
    const made = plan({ view: leveledView(), to: '3.5.30' });
    expect(made).toMatchObject({ kind: 'possible', levels: undefined });
    expect(ids(made)).not.toContain('switch/default');
    expect(step(made, 'finish').gates).not.toContain('level-active');
  });

  it('a level that lags behind its nodes is looked at in the end all the same', () => {
    const made = plan({ view: leveledView({ versions: [high, high, high] }), to: '3.6.2' });
    expect(made.levels).toEqual({ from: '3.6', to: '3.6' });
    expect(ids(made)).not.toContain('switch/default');
    expect(step(made, 'finish').gates).toContain('level-active');
  });

  it('a system without levels has none of this', () => {
    const rules = { ...levelRules, levels: undefined };
    const made = plan({ rules });
    expect(made).toMatchObject({ kind: 'possible', levels: undefined });
    expect(ids(made)).toEqual([
      ...['prepare', 'replace/pg-2', 'replace/pg-3'],
      ...['handover/default', 'replace/pg-1', 'finish'],
    ]);
  });
});

describe('R-SWITCH-1: approval and burn-in', () => {
  it.each<{ why: string; spec: Record<string, unknown>; marked: readonly string[] }>([
    { why: 'on by default', spec: {}, marked: ['switch/default'] },
    { why: 'switched off', spec: { switch: { approval: false } }, marked: [] },
    {
      why: 'switched off, and named',
      spec: { switch: { approval: false }, approvals: { before: ['switch'] } },
      marked: ['switch/default'],
    },
    {
      why: 'named by its id',
      spec: { switch: { approval: false }, approvals: { before: ['switch/default'] } },
      marked: ['switch/default'],
    },
  ])('the approval: $why', ({ spec, marked }) => {
    expect(
      plan({ spec })
        .steps.filter((s) => s.approval)
        .map((s) => s.id),
    ).toEqual(marked);
  });

  it('is bound to the plan, and a person reads it', () => {
    const text = describePlan(plan());
    expect(text).toMatch(/approvals: before switch\/default; bound to plan [0-9a-f]{16}/);
    expect(text).toContain('this is the last moment at which nothing has been switched');
  });

  it('a burn-in is in the text and among the gates; without one it is in neither', () => {
    const long = step(plan({ spec: { switch: { burnIn: '2h' } } }), 'switch/default');
    expect(long.effects).toContain('lets every node hold for 2h');
    expect(long.gates.at(-1)).toBe('soak-held');
    const none = step(plan(), 'switch/default');
    expect(none.effects.join('\n')).not.toMatch(/hold/);
    expect(none.gates).not.toContain('soak-held');
  });

  it.each(['switch/default', 'cancel/default', 'switch'])(
    'an approval of %s stays valid in a rerun',
    (name) => {
      const made = plan({
        view: leveledView({ ...raised }),
        to: '3.6.2',
        spec: { approvals: { before: [name] } },
      });
      expect(made).toMatchObject({ kind: 'possible', refusals: [] });
    },
  );

  it('an approval of a switch of nothing is refused', () => {
    const made = plan({ spec: { approvals: { before: ['switch/another'] } } });
    expect(codes(made)).toEqual(['UNKNOWN_STEP']);
  });
});

describe('R-SWITCH-3: reversibility', () => {
  it('where the system can be told to go down, every step can be undone', () => {
    const made = plan();
    expect(made.pointOfNoReturn).toBeUndefined();
    expect(step(made, 'switch/default').reversibility).toBe('re-roll');
    expect(step(made, 'switch/default').effects.at(-1)).toMatch(
      /after pg-1 the way back is the downgrade of sample to 3\.5, one level only: rollback takes it/,
    );
  });

  it('where it cannot, the switch is the point of no return', () => {
    const rules = { ...levelRules, levels: { lowered: 'never', lowerFrom: '3.6.0', source: 'x' } } as const;
    const made = plan({ rules });
    expect(made.pointOfNoReturn).toBe('switch/default');
    expect(step(made, 'switch/default').effects.at(-1)).toBe('after pg-1 there is no way back');
    expect(describePlan(made)).toContain('point of no return: switch/default');
  });
});

describe('R-SWITCH-3: a target of the lower series', () => {
  it('the lowering comes before any node, and each node is asked for its own level', () => {
    const made = plan({ view: leveledView(raised), to: '3.5.9' });
    expect(made).toMatchObject({ kind: 'possible', levels: { from: '3.6', to: '3.5' } });
    expect(ids(made)).toEqual([
      ...['prepare', 'switch/default', 'replace/pg-2', 'replace/pg-3'],
      ...['handover/default', 'replace/pg-1', 'finish'],
    ]);
    const lowering = step(made, 'switch/default');
    expect(lowering).toMatchObject({ approval: true, title: 'Lower the level 3.6 → 3.5' });
    expect(lowering.gates).not.toContain('all-on-target');
    expect(lowering.effects.join('\n')).toMatch(/validate the downgrade to 3\.5, then enables it/);
    for (const id of ['pg-1', 'pg-2', 'pg-3']) {
      expect(step(made, `replace/${id}`).gates.indexOf('node-level')).toBe(7);
    }
  });

  it('a level that has not come up yet is lowered as well: it could rise between two nodes', () => {
    const made = plan({ view: leveledView({ versions: [high, high, high] }), to: low });
    expect(step(made, 'switch/default')).toMatchObject({
      title: 'Lower the level 3.6 → 3.5',
      action: { how: 'lower', from: '3.6', to: '3.5' },
    });
  });

  it('a downgrade that was left half-way goes on: no second lowering, and the rest is still asked', () => {
    const made = plan({ view: leveledView(halfDown), to: low });
    expect(made).toMatchObject({ kind: 'possible', levels: { from: '3.5', to: '3.5' } });
    expect(ids(made)).toEqual(['prepare', 'handover/default', 'replace/pg-1', 'finish']);
    expect(step(made, 'replace/pg-1').gates).toContain('node-level');
    expect(step(made, 'finish').gates).toContain('level-active');
  });

  it('upwards again it is cancelled by a step of its own, and the last node asks by itself', () => {
    const made = plan({ view: leveledView(halfDown) });
    expect(ids(made)).toEqual([
      ...['prepare', 'cancel/default', 'replace/pg-2', 'switch/default', 'replace/pg-3', 'finish'],
    ]);
    expect(step(made, 'cancel/default')).toMatchObject({
      approval: true,
      title: 'Cancel the lowering of default',
    });
    expect(step(made, 'switch/default')).toMatchObject({ approval: true, action: { how: 'by-last-node' } });
    expect(made.levels).toEqual({ from: '3.5', to: '3.6' });
  });

  it.each([known('3.6'), known('3.5')])(
    'a lowering that no node has followed is cancelled, on %o',
    (active) => {
      const view = leveledView({ versions: [high, high, high], active, lowering: known('3.5') });
      const made = plan({ view, to: '3.6.2' });
      expect(ids(made).slice(0, 3)).toEqual(['prepare', 'cancel/default', 'replace/pg-2']);
      // All nodes are of the later series: the level goes up with the withdrawal, not with the last node.
      expect(ids(made)).not.toContain('switch/default');
      expect(made.levels).toEqual({ from: '3.6', to: '3.6' });
    },
  );

  it('a bad target and a system without a way down are refused', () => {
    expect(codes(plan({ view: leveledView(raised), to: '3.5.1' }))).toEqual(['VERSION_KNOWN_BAD']);
    const rules = { ...levelRules, levels: { lowered: 'never', lowerFrom: '3.6.0', source: 'x' } } as const;
    expect(codes(plan({ view: leveledView(raised), to: low, rules }))).toEqual(['VERSION_DOWNGRADE']);
    expect(plan({ view: leveledView(raised), to: low, rules }).levels).toBeUndefined();
  });

  it('R-PLAN-3: a cluster on the target whose level is elsewhere is done, and says so', () => {
    const done = plan({ view: leveledView({ versions: [high, high, high], lowering: known('3.5') }) });
    expect(done).toMatchObject({ kind: 'done', steps: [], levels: undefined });
    expect(done.notes).toEqual([
      `every node is on ${high}, but: group default is being lowered to level 3.5`,
    ]);
    const lagging = plan({ view: leveledView({ versions: [high, high, high] }) });
    expect(lagging.notes).toEqual([`every node is on ${high}, but: group default is on level 3.5`]);
    expect(plan({ view: leveledView(raised) }).notes).toEqual([]);
  });
});

describe('R-PLAN-2: a level that is not known', () => {
  const refused = (group: NonNullable<Parameters<typeof leveledView>[0]>['group']): Plan =>
    plan({ view: leveledView({ group }) });

  it.each([
    {
      why: 'the level is dark',
      group: { level: { active: dark, lowering: known(undefined) } },
      says: /not known of group default: the level it is on \(permission denied\)$/,
    },
    {
      why: 'the lowering is dark',
      group: { level: { active: known('3.5'), lowering: dark } },
      says: /: whether it is being lowered \(permission denied\)$/,
    },
    {
      why: 'both are',
      group: { level: { active: dark, lowering: dark } },
      says: /the level it is on .*; whether it is being lowered/,
    },
    { why: 'there is none', group: { level: undefined }, says: /the level it is on \(it tells none\)/ },
  ])('LEVEL_UNKNOWN: $why', ({ group, says }) => {
    const made = refused(group);
    expect(made).toMatchObject({ kind: 'refused', steps: [], levels: undefined });
    expect(codes(made)).toEqual(['LEVEL_UNKNOWN']);
    expect(made.refusals[0]?.message).toMatch(says);
    expect(made.refusals[0]?.remedy).toMatch(/then plan again/);
  });

  it('a node that is away is refused by its own name alone', () => {
    const view = leveledView({
      group: { level: { active: dark, lowering: dark } },
      changes: { 'pg-3': { reachable: known(false) } },
    });
    expect(codes(plan({ view }))).toEqual(['NODE_UNREACHABLE']);
  });

  it('a system without levels is not asked for one', () => {
    const rules = { ...levelRules, levels: undefined };
    expect(plan({ rules, view: leveledView({ group: { level: undefined } }) }).kind).toBe('possible');
  });
});

describe('R-ROLL-7: handover by a committed operation of the system', () => {
  it('is told as such: no fence, no candidate at it', () => {
    const made = plan();
    expect(made.means).toEqual({ handover: 'transfer', backup: true });
    const { gates, effects } = step(made, 'handover/default');
    expect(gates).toContain('epoch-grew');
    expect(gates).not.toContain('candidate-at-fence');
    expect(effects.join('\n')).toMatch(
      /transfers the primary to the one of pg-2, pg-3 .* whose new epoch fences pg-1/,
    );
    expect(effects.join('\n')).not.toMatch(/stops it|clients cannot write/);
  });

  it('the former primary is replaced as any other replica afterwards', () => {
    const made = plan();
    const [former, replica] = [step(made, 'replace/pg-1'), step(made, 'replace/pg-2')];
    expect(former.gates).toEqual(replica.gates);
    expect(former.effects).toEqual(replica.effects.map((e) => e.replaceAll('pg-2', 'pg-1')));
    const fenced = plan({ capabilities: { handover: 'fence', probe: true, backup: true } });
    expect(step(fenced, 'replace/pg-1').effects.join('\n')).toMatch(/stopped by the handover/);
  });
});

describe('R-PLAN-1: backups', () => {
  it('are saved and verified before the start and before the level changes', () => {
    const made = plan();
    expect(step(made, 'prepare').gates).toEqual(['copies-identical', 'backup-verified']);
    expect(step(made, 'prepare').effects[0]).toMatch(/saves a backup and verifies that it can be restored/);
    expect(step(made, 'switch/default').effects.join('\n')).toMatch(/saves a verified backup/);
  });

  it('are not spoken of where the system has none', () => {
    const made = plan({ capabilities: { handover: 'transfer', probe: true, backup: false } });
    expect(made.steps.flatMap((s) => [...s.gates, ...s.effects]).join('\n')).not.toMatch(/backup|copies/);
  });
});

describe('R-PLAN-1: the hash', () => {
  it('holds every decision about the switch', () => {
    const hashes = [
      plan(),
      plan({ spec: { switch: { approval: false } } }),
      plan({ spec: { switch: { burnIn: '1h' } } }),
      plan({ capabilities: { handover: 'fence', probe: true, backup: true } }),
      plan({ capabilities: { handover: 'transfer', probe: true, backup: false } }),
      plan({ view: leveledView(halfDown) }),
      plan({ rules: { ...levelRules, levels: { lowered: 'never', lowerFrom: '3.6.0', source: 'x' } } }),
    ].map((made) => {
      expect(made.kind).toBe('possible');
      return made.hash;
    });
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  it('and nothing that a second look may tell otherwise', () => {
    const again = plan({ view: leveledView({ changes: { 'pg-2': { level: dark, lag: known(3) } } }) });
    expect(again.hash).toBe(plan().hash);
  });
});
