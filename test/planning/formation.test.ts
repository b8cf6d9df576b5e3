import { describe, expect, it } from 'vitest';
import type { FormationView } from '../../src/contracts/activities.js';
import { known, unknown } from '../../src/contracts/observed.js';
import type { ArtifactReport, Plan } from '../../src/contracts/plan.js';
import type { Member, StandaloneView } from '../../src/contracts/ports/data-system.js';
import type { DataMode, ModeRecord } from '../../src/contracts/ports/host.js';
import { ClusterFormationSpec, ClusterSpec, formationStages } from '../../src/contracts/spec.js';
import type { FormationStage } from '../../src/contracts/spec.js';
import { nextStage, type NextStage } from '../../src/planning/formation/next-stage.js';
import { planFormation, type FormationPlanInput } from '../../src/planning/formation/plan.js';
import { dark, levelRules, node, observedAt, sampleView, sha256 } from './sample.js';

const ids = ['pg-1', 'pg-2', 'pg-3'] as const;
const version = '3.6.1';

const formationSpec = (change: Record<string, unknown> = {}): ClusterFormationSpec =>
  ClusterFormationSpec.parse({
    name: 'orders-cluster',
    cluster: 'orders',
    seed: 'pg-1',
    version,
    expand: ['pg-2', 'pg-3'],
    ...change,
  });

const clusterSpec = (): ClusterSpec =>
  ClusterSpec.parse({
    name: 'orders',
    system: 'sample',
    nodes: ids.map((id) => ({ id, address: `${id}.example:2379`, host: { kind: 'sample' } })),
    artifacts: { [version]: { path: '/opt/new', sha256: 'a'.repeat(64) } },
  });

const record = (mode: DataMode, checkpoint = 'some'): ModeRecord => ({
  ...{ mode, checkpoint, runId: 'r-1', at: observedAt },
  resumeHint: 'rollgate form init -f FILE',
});

/** A standalone that nothing speaks against. */
const standalone = (change: Partial<StandaloneView> = {}): StandaloneView => ({
  mode: 'standalone',
  running: known(true),
  series: known('3.6'),
  members: known(['pg-1']),
  coherent: known(true),
  bytes: known(1000),
  freeBytes: known(1_000_000),
  content: known('revision 7, 5 keys'),
  ...change,
});

const empty = { 'pg-2': known(true), 'pg-3': known(true) };

const ofMode = (mode: DataMode | undefined, change: Partial<FormationView> = {}): FormationView => ({
  mode: known(mode === undefined ? undefined : record(mode)),
  empty,
  standalone: standalone(),
  ...change,
});

type Entry = string | Partial<Member>;

const member = (entry: Entry): Member => {
  const given: Partial<Member> = typeof entry === 'string' ? { node: entry } : entry;
  return { id: `id-of-${given.node ?? 'nobody'}`, role: 'voter', started: true, node: undefined, ...given };
};

/** A cluster of these members, the first of them the leader unless another is named. */
function formed(entries: readonly Entry[], leader?: string): FormationView {
  const members = entries.map(member);
  const nodes = members.flatMap((m) => (m.node === undefined ? [] : [m.node]));
  return {
    mode: known(record('cluster', 'serving')),
    members: known(members),
    view: sampleView({}, { primaries: [leader ?? nodes[0] ?? ''], nodes: nodes.map((id) => node(id)) }),
    empty,
  };
}

const artifacts = (
  state: ArtifactReport['state'] = { kind: 'ok', sha256: 'a'.repeat(64) },
): ArtifactReport[] => ids.map((id) => ({ node: id, version, state }));

const planInput = (change: Partial<FormationPlanInput> = {}): FormationPlanInput => ({
  cluster: clusterSpec(),
  formation: formationSpec(),
  stages: formationStages,
  view: ofMode(undefined),
  artifacts: artifacts(),
  capabilities: { formation: true, transfer: true, probe: true, backup: true },
  rules: levelRules,
  observedAt,
  digest: sha256,
  ...change,
});

const plan = (change: Partial<FormationPlanInput> = {}): Plan => planFormation(planInput(change));
const stepIds = (made: Plan): string[] => made.steps.map((s) => s.id);
const whole = formationSpec({ leader: 'pg-2', remove: ['pg-1'] });

describe('R-FORM-1, R-FORM-3: the next stage is decided from the data and the member list alone', () => {
  const cases: readonly (readonly [string, FormationView, ClusterFormationSpec, NextStage])[] = [
    ['no mode file: a standalone', ofMode(undefined), whole, { stage: 'init', node: 'pg-1' }],
    ['preparing, at whatever checkpoint', ofMode('preparing'), whole, { stage: 'init', node: 'pg-1' }],
    ['seeded', ofMode('seeded'), whole, { stage: 'serve', node: 'pg-1' }],
    ['a cluster of one', formed(['pg-1']), whole, { stage: 'expand', node: 'pg-2' }],
    [
      'a learner that an interruption has left is gone on with',
      formed(['pg-1', { node: 'pg-2', role: 'learner', started: false }]),
      whole,
      { stage: 'expand', node: 'pg-2' },
    ],
    [
      'in the order of the spec, not of the names',
      formed(['pg-1']),
      formationSpec({ expand: ['pg-3', 'pg-2'] }),
      { stage: 'expand', node: 'pg-3' },
    ],
    ['one is a voter: the other', formed(['pg-1', 'pg-2']), whole, { stage: 'expand', node: 'pg-3' }],
    [
      'everybody is a voter: the leader that is wanted',
      formed(['pg-1', 'pg-2', 'pg-3']),
      whole,
      { stage: 'transfer-leader', node: 'pg-2', from: 'pg-1' },
    ],
    [
      'it leads: who is to leave',
      formed(['pg-1', 'pg-2', 'pg-3'], 'pg-2'),
      whole,
      { stage: 'remove-member', node: 'pg-1', leads: false },
    ],
    [
      'no leader is wanted, and the one that leads is to leave',
      formed(['pg-1', 'pg-2', 'pg-3']),
      formationSpec({ remove: ['pg-1'] }),
      { stage: 'remove-member', node: 'pg-1', leads: true },
    ],
    ['all is done', formed(['pg-2', 'pg-3'], 'pg-2'), whole, { stage: 'complete' }],
    [
      'one that was added and removed again is not added once more',
      formed(['pg-1', 'pg-2']),
      formationSpec({ remove: ['pg-3'] }),
      { stage: 'complete' },
    ],
  ];

  it.each(cases)('%s', (_what, view, formation, next) => {
    expect(nextStage(view, formation, formationStages)).toEqual(next);
  });

  it('asked for one stage, nothing of a later one is begun, and none is skipped to', () => {
    const asked = (stages: readonly FormationStage[], view: FormationView) => nextStage(view, whole, stages);
    expect(asked(['serve'], ofMode('preparing'))).toEqual({ stage: 'complete' });
    expect(asked(['init'], ofMode('seeded'))).toEqual({ stage: 'complete' });
    expect(asked(['expand'], ofMode('seeded'))).toEqual({ stage: 'complete' });
    const three = formed(['pg-1', 'pg-2', 'pg-3']);
    expect(asked(['expand'], three)).toEqual({ stage: 'complete' });
    expect(asked(['remove-member'], three)).toEqual({ stage: 'remove-member', node: 'pg-1', leads: true });
  });

  it('what is not known is no stage', () => {
    const at = (view: FormationView) => nextStage(view, whole, formationStages);
    expect(at({ mode: dark, empty })).toMatchObject({
      stage: 'stuck',
      message: 'the mode of pg-1 is not known: permission denied',
    });
    expect(at({ ...formed(['pg-1']), members: dark })).toMatchObject({
      stage: 'stuck',
      message: expect.stringContaining('permission denied') as string,
    });
    const two = formed(['pg-1', 'pg-2', 'pg-3']);
    const split = sampleView({}, { primaries: ['pg-1', 'pg-2'] });
    expect(at({ ...two, view: split })).toMatchObject({ stage: 'stuck' });
    expect(at({ ...two, view: sampleView({}, { primaries: [] }) })).toMatchObject({
      stage: 'stuck',
      message: 'the members of the cluster are not known: no single leader answers',
    });
  });
});

describe('R-PLAN-1: the plan of a formation', () => {
  it('from a standalone: every stage in order, and the probe as soon as members serve', () => {
    const made = plan({ formation: whole });
    expect(made.kind).toBe('possible');
    expect(made.refusals).toEqual([]);
    expect(stepIds(made)).toEqual([
      ...['init/pg-1', 'serve/pg-1', 'prepare', 'expand/pg-2', 'expand/pg-3'],
      ...['transfer-leader/pg-2', 'remove-member/pg-1', 'finish'],
    ]);
    // Nobody takes the standalone's place before: undone for nothing. From then on only its kept data is a way back.
    expect(made.steps[0]?.reversibility).toBe('free');
    expect(made.pointOfNoReturn).toBe('serve/pg-1');
    expect(made.steps[0]?.gates).toContain('seed-verified');
    expect(made.steps.find((s) => s.id === 'expand/pg-2')?.gates).toContain('learner-caught-up');
    expect(made.nodes).toMatchObject([
      { id: 'pg-1', role: 'standalone' },
      { id: 'pg-2', role: 'none' },
      { id: 'pg-3', role: 'none' },
    ]);
    expect(made.means).toEqual({ handover: 'transfer', backup: true });
    expect(made.notes).toEqual(['from init to serve pg-1 serves nobody: this is the time that clients wait']);
  });

  it('of some stages, and of what is still to be done', () => {
    expect(stepIds(plan({ stages: ['init'] }))).toEqual(['init/pg-1', 'finish']);
    expect(stepIds(plan({ stages: ['init'], view: ofMode('preparing') }))).toEqual(['init/pg-1', 'finish']);
    expect(stepIds(plan({ stages: ['serve'], view: ofMode('seeded') }))).toEqual(['serve/pg-1', 'finish']);
    const begun = formed(['pg-1', 'pg-2']);
    expect(stepIds(plan({ stages: ['expand'], view: begun }))).toEqual(['prepare', 'expand/pg-3', 'finish']);
    expect(stepIds(plan({ stages: ['init', 'serve'], view: ofMode('preparing') }))).toEqual([
      ...['init/pg-1', 'serve/pg-1', 'finish'],
    ]);
    const three = formed(['pg-1', 'pg-2', 'pg-3']);
    const removal = plan({ stages: ['remove-member'], formation: whole, view: three });
    expect(stepIds(removal)).toEqual(['prepare', 'remove-member/pg-1', 'finish']);
  });

  it('a formation that has ended is done, whatever else is so', () => {
    const view = formed(['pg-2', 'pg-3'], 'pg-2');
    const made = plan({ formation: whole, view });
    expect(made).toMatchObject({ kind: 'done', steps: [], refusals: [] });
    expect(plan({ stages: ['init'], view }).kind).toBe('done');
    expect(plan({ stages: ['init'], view: ofMode('seeded') }).kind).toBe('done');
  });

  it('R-SAGA-3: approvals by step, and before the first', () => {
    const before = (names: readonly string[], view = ofMode(undefined)) =>
      plan({ formation: formationSpec({ approvals: { before: names } }), view })
        .steps.filter((s) => s.approval)
        .map((s) => s.id);
    expect(before([])).toEqual([]);
    expect(before(['start'])).toEqual(['init/pg-1']);
    expect(before(['start'], formed(['pg-1']))).toEqual(['prepare']);
    expect(before(['expand/pg-3', 'init/pg-1'])).toEqual(['init/pg-1', 'expand/pg-3']);
    // What has been done by now was a step once.
    expect(before(['init/pg-1', 'expand/pg-2'], formed(['pg-1', 'pg-2']))).toEqual([]);
  });

  it('its hash covers what it decides, and not when it was made or what was seen beside', () => {
    const hash = (change: Partial<FormationPlanInput> = {}): string => plan(change).hash;
    const base = hash();
    expect(base).toMatch(/^[0-9a-f]{16}$/);
    expect(hash({ observedAt: '2027-01-01T00:00:00.000Z' })).toBe(base);
    expect(hash({ view: ofMode(undefined, { standalone: standalone({ bytes: known(2000) }) }) })).toBe(base);
    const others = [
      hash({ formation: formationSpec({ expand: ['pg-3', 'pg-2'] }) }),
      hash({ formation: formationSpec({ learnerLag: 5 }) }),
      hash({ stages: ['init'] }),
      hash({ view: ofMode('seeded') }),
      hash({ cluster: { ...clusterSpec(), settings: { token: 'other' } } }),
      hash({ view: ofMode(undefined, { standalone: standalone({ coherent: known(false) }) }) }),
    ];
    expect(new Set([base, ...others]).size).toBe(others.length + 1);
  });
});

describe('R-PLAN-2: a formation is refused by name, with a remedy, and nothing is left of its steps', () => {
  interface Refused {
    readonly change: Partial<FormationPlanInput>;
    readonly node?: string;
    readonly says: string;
    readonly remedy: string;
  }
  const seen = (change: Partial<StandaloneView>): Partial<FormationPlanInput> => ({
    view: ofMode(undefined, { standalone: standalone(change) }),
  });

  const cases: readonly (readonly [string, Refused])[] = [
    [
      'FORMATION_UNSUPPORTED',
      {
        change: { capabilities: { formation: false, transfer: true, probe: true, backup: true } },
        says: 'sample forms no cluster from a standalone',
        remedy: 'tools of the system',
      },
    ],
    [
      'MODE_UNKNOWN',
      {
        change: { view: { mode: dark, empty } },
        node: 'pg-1',
        says: 'the mode of pg-1 is not known: permission denied',
        remedy: 'Make its mode file readable',
      },
    ],
    [
      'STAGE_TOO_EARLY',
      {
        change: { stages: ['serve'] },
        node: 'pg-1',
        says: 'pg-1 is standalone; serve needs init before',
        remedy: 'rollgate form init',
      },
    ],
    [
      'STAGE_TOO_EARLY',
      {
        change: { stages: ['expand'], view: ofMode('seeded') },
        node: 'pg-1',
        says: 'pg-1 is seeded; expand needs serve before',
        remedy: 'rollgate form serve',
      },
    ],
    [
      'UNKNOWN_NODE',
      {
        change: { formation: formationSpec({ expand: ['pg-2', 'pg-9'] }) },
        node: 'pg-9',
        says: 'expand names pg-9, which is no node of cluster orders',
        remedy: 'pg-1, pg-2, pg-3',
      },
    ],
    [
      'UNKNOWN_NODE',
      {
        change: { formation: formationSpec({ leader: 'pg-8' }) },
        node: 'pg-8',
        says: 'leader names pg-8',
        remedy: 'add pg-8 to the cluster file',
      },
    ],
    [
      'UNKNOWN_NODE',
      {
        change: { formation: formationSpec({ expand: ['pg-1'] }) },
        node: 'pg-1',
        says: 'expand names the seed pg-1',
        remedy: 'Take it out of expand',
      },
    ],
    [
      'NO_MEMBER_LEFT',
      {
        change: {
          formation: formationSpec({ expand: ['pg-2'], remove: ['pg-1', 'pg-2'] }),
          stages: ['init'],
        },
        says: 'every member would be removed',
        remedy: 'Leave at least one',
      },
    ],
    [
      'TOO_FEW_MEMBERS',
      {
        change: { formation: formationSpec({ expand: ['pg-2'], remove: ['pg-1'] }) },
        node: 'pg-1',
        says: 'when pg-1 is removed there are 2 members, and each is needed for a write',
        remedy: 'Expand to at least three members',
      },
    ],
    [
      'SEED_UNKNOWN',
      {
        change: { view: { mode: known(undefined), empty } },
        node: 'pg-1',
        says: 'pg-1 was not looked at',
        remedy: 'Plan again',
      },
    ],
    [
      'SEED_UNKNOWN',
      {
        change: seen({ coherent: dark, bytes: unknown('no such directory') }),
        node: 'pg-1',
        says: 'whether its data is whole (permission denied); its size (no such directory)',
        remedy: 'readable for the worker',
      },
    ],
    [
      'SEED_INCOHERENT',
      {
        change: seen({ coherent: known(false) }),
        node: 'pg-1',
        says: 'the data of pg-1 is not whole',
        remedy: 'from a backup',
      },
    ],
    [
      'NOT_STANDALONE',
      {
        change: seen({ members: known(['pg-1', 'x', 'y']) }),
        node: 'pg-1',
        says: 'names 3 members: pg-1, x, y',
        remedy: 'part of a cluster already',
      },
    ],
    [
      'NOT_STANDALONE',
      {
        change: seen({ members: known([]) }),
        node: 'pg-1',
        says: 'names 0 members',
        remedy: 'Only a standalone',
      },
    ],
    [
      'VERSION_MISMATCH',
      {
        change: seen({ series: known('3.5') }),
        node: 'pg-1',
        says: 'the data of pg-1 is of 3.5, and the formation runs 3.6.1',
        remedy: 'on a release of 3.5',
      },
    ],
    [
      'DISK_TOO_SMALL',
      {
        change: seen({ bytes: known(1000), freeBytes: known(2999) }),
        node: 'pg-1',
        says: '2999 bytes free; a copy, a snapshot and the seed need about 3000',
        remedy: 'Make room',
      },
    ],
    [
      'NO_QUORUM',
      {
        change: { view: { ...formed(['pg-1']), members: dark } },
        says: 'the member list cannot be read: permission denied',
        remedy: 'elect a leader',
      },
    ],
    [
      'FOREIGN_MEMBER',
      {
        change: { view: formed(['pg-1', {}]) },
        says: 'the member list has id-of-nobody, which is no node of cluster orders',
        remedy: 'Add it to the cluster file, or remove it',
      },
    ],
    [
      'TARGET_NOT_EMPTY',
      {
        change: { view: ofMode(undefined, { empty: { ...empty, 'pg-3': known(false) } }) },
        node: 'pg-3',
        says: 'the data directory of pg-3 is not empty',
        remedy: 'Move what is in it away',
      },
    ],
    [
      'TARGET_NOT_EMPTY',
      {
        change: { view: ofMode(undefined, { empty: { ...empty, 'pg-2': dark } }) },
        node: 'pg-2',
        says: 'permission denied',
        remedy: 'Move what is in it away',
      },
    ],
    [
      'ARTIFACT_MISMATCH',
      {
        change: {
          artifacts: artifacts({ kind: 'differs', expected: 'a'.repeat(64), actual: 'b'.repeat(64) }),
          formation: formationSpec({ expand: [] }),
        },
        node: 'pg-1',
        says: `sha256 ${'b'.repeat(64)}, the cluster file declares ${'a'.repeat(64)}`,
        remedy: 'Put the declared artifact of 3.6.1 on the host of pg-1',
      },
    ],
    [
      'ARTIFACT_ABSENT',
      {
        change: {
          artifacts: artifacts({ kind: 'absent', path: '/opt/new' }),
          view: formed(['pg-1', 'pg-2']),
        },
        node: 'pg-3',
        says: 'there is nothing at /opt/new',
        remedy: 'on the host of pg-3',
      },
    ],
    [
      'PROBE_UNSUPPORTED',
      {
        change: { capabilities: { formation: true, transfer: true, probe: false, backup: true } },
        says: 'the probe is on, and sample has none',
        remedy: 'probe.enabled to false',
      },
    ],
    [
      'UNKNOWN_STEP',
      {
        change: { formation: formationSpec({ approvals: { before: ['replace/pg-2'] } }) },
        says: 'approvals.before names replace/pg-2',
        remedy: 'init/pg-1, serve/pg-1, expand/pg-2, expand/pg-3',
      },
    ],
  ];

  it.each(cases)('%s', (code, { change, node, says, remedy }) => {
    const made = plan(change);
    expect(made).toMatchObject({ kind: 'refused', steps: [] });
    expect(made.refusals.map((r) => r.code)).toEqual([code]);
    const [refusal] = made.refusals;
    expect(refusal?.node).toBe(node);
    expect(refusal?.message).toContain(says);
    expect(refusal?.remedy).toContain(remedy);
  });

  it('a learner of ours that was interrupted is no reason: its directory is not empty any more', () => {
    const view = formed(['pg-1', { node: 'pg-2', role: 'learner' }]);
    const made = plan({ view: { ...view, empty: { ...empty, 'pg-2': known(false) } } });
    expect(made.kind).toBe('possible');
    expect(stepIds(made)).toContain('expand/pg-2');
  });
});
