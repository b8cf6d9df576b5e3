import { describe, expect, it } from 'vitest';
import { known } from '../../src/contracts/observed.js';
import { describePlan } from '../../src/planning/describe.js';
import { planRollingUpgrade, type PlanInput } from '../../src/planning/plan.js';
import { migratedRun } from '../report/migration-fixture.js';
import { samplePlanInput, sampleUpgrade, sampleView } from './sample.js';

const describeSample = (change: Partial<PlanInput> = {}): string =>
  describePlan(planRollingUpgrade(samplePlanInput(change)));

describe('R-PLAN-1: a plan as a person reads it', () => {
  it('holds every step with its effects, gates, price and approval', () => {
    const input = samplePlanInput({ upgrade: sampleUpgrade({ approvals: { before: ['handover'] } }) });
    const plan = planRollingUpgrade(input);
    const text = describePlan(plan);
    for (const step of plan.steps) {
      expect(text).toContain(`step: ${step.id}\n`);
      for (const effect of step.effects) expect(text).toContain(`    - ${effect}\n`);
      for (const gate of step.gates) expect(text).toContain(gate);
    }
    expect(text).toContain(`plan ${plan.hash}`);
    expect(text).toContain('reversible: re-roll, undone by rolling back to the former version');
    expect(text.match(/waits for an approval/g)).toHaveLength(1);
    expect(text).toContain(`approvals: before handover/default; bound to plan ${plan.hash}`);
    expect(text).toContain('point of no return: none');
  });

  it('has its columns aligned and no line that is long or ends in blanks', () => {
    const lines = describeSample().split('\n');
    const table = lines.slice(
      lines.findIndex((l) => l.startsWith('node ')),
      7,
    );
    expect(table).toHaveLength(4);
    const column = table[0]?.indexOf('from') ?? -1;
    expect(column).toBeGreaterThan(0);
    for (const row of table.slice(1)) expect(row.slice(column)).toMatch(/^17\.5 +17\.10$/);
    for (const line of lines) {
      expect(line).toBe(line.trimEnd());
      expect(line.length).toBeLessThanOrEqual(130);
    }
  });

  it('prints no control characters', () => {
    expect(describeSample().replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });

  it('tells each refusal with its remedy, and no steps', () => {
    const view = sampleView({ 'pg-3': { inSync: known(false) } });
    const text = describeSample({ view, capabilities: { probe: true, backup: false } });
    expect(text).toContain('refused, nothing has been changed');
    expect(text).toMatch(
      /refused: NOT_IN_SYNC \(pg-3\)\n {4}pg-3 is not in sync.*\n {4}remedy: Let pg-3 catch up/,
    );
    expect(text).toMatch(/refused: HANDOVER_UNSUPPORTED \(pg-1\)\n/);
    expect(text).not.toContain('step:');
    expect(text).not.toContain('point of no return');
  });

  it('R-MIG-1: of a migration names the sides and what each runs, without being told its kind', () => {
    const { plan } = migratedRun();
    if (!plan) throw new Error('the fixture has a plan');
    const text = describePlan(plan);
    expect(text).toContain('Storage migration of orders (postgres) to orders-18 (18.4): possible\n');
    expect(text).toMatch(/\na-1 +default +source +17\.10\n/);
    expect(text).toMatch(/\nb-1 +default +destination +18\.4\n/);
    expect(text).toContain('reversible: cut-back, undone by switching back to the copy kept current');
    expect(text).toContain('point of no return: accept');
    expect(text).not.toMatch(/already there|Rolling/);
    const [first, ...rest] = plan.nodes;
    if (!first) throw new Error('the fixture has nodes');
    expect(describePlan({ ...plan, nodes: [{ ...first, from: '' }, ...rest] })).toMatch(/source +unknown\n/);
  });

  it('tells what is accepted, and notes', () => {
    const stop = {
      verdict: 'hold' as const,
      evidence: 'needed',
      window: { name: 'no-standby', risk: 'a crash loses writes', borrow: [] },
    };
    const upgrade = sampleUpgrade({ accept: ['no-standby', 'nothing'] });
    const text = describeSample({ upgrade, view: sampleView({ 'pg-2': { stop } }) });
    expect(text).toContain('accepted: no-standby\n    a crash loses writes');
    expect(text).toContain('note: UNKNOWN_ACCEPT');
  });

  it('says when there is nothing to do', () => {
    const there = { version: known('17.10') };
    const text = describeSample({ view: sampleView({ 'pg-1': there, 'pg-2': there, 'pg-3': there }) });
    expect(text).toContain('nothing to do, every node is on the target');
    expect(text.match(/already there/g)).toHaveLength(3);
  });

  it('names a point of no return where there is one', () => {
    const plan = planRollingUpgrade(samplePlanInput());
    expect(describePlan({ ...plan, pointOfNoReturn: 'finish' })).toContain('point of no return: finish');
  });
});
