import { describe, expect, it } from 'vitest';
import { known, unknown } from '../../src/contracts/observed.js';
import type { ArtifactReport, Plan, Refusal } from '../../src/contracts/plan.js';
import type { StopSafety } from '../../src/contracts/view.js';
import { planRollingUpgrade, type PlanInput } from '../../src/planning/plan.js';
import {
  dark,
  node,
  sampleArtifacts,
  sampleCluster,
  samplePlanInput,
  sampleRules,
  sampleUpgrade,
  sampleView,
} from './sample.js';

const plan = (change: Partial<PlanInput> = {}): Plan => planRollingUpgrade(samplePlanInput(change));
const codes = (p: Plan): string[] => [...new Set(p.refusals.map((r) => r.code))].sort();
const onTarget = { version: known('17.10') };
const needed: StopSafety = {
  verdict: 'hold',
  evidence: 'the only synchronous standby is pg-2',
  window: {
    name: 'no-standby',
    risk: 'a crash of pg-1 meanwhile loses acknowledged writes',
    borrow: [{ node: 'pg-1', setting: 'synchronous_standby_names', value: '' }],
  },
};
const artifact = (node: string, version: string, state: ArtifactReport['state']): ArtifactReport[] =>
  sampleArtifacts().map((a) => (a.node === node && a.version === version ? { ...a, state } : a));

describe('R-PLAN-1: the steps, in order', () => {
  it('replaces replicas, hands over, replaces the old primary', () => {
    const { kind, steps, refusals, pointOfNoReturn, nodes, hash } = plan();
    expect({ kind, refusals, pointOfNoReturn }).toEqual({
      kind: 'possible',
      refusals: [],
      pointOfNoReturn: undefined,
    });
    expect(steps.map((s) => `${s.id} ${s.reversibility}`)).toEqual([
      'prepare free',
      'replace/pg-2 re-roll',
      'replace/pg-3 re-roll',
      'handover/default re-roll',
      'replace/pg-1 re-roll',
      'finish free',
    ]);
    expect(steps[3]?.action).toEqual({
      kind: 'handover',
      group: 'default',
      from: 'pg-1',
      candidates: ['pg-2', 'pg-3'],
    });
    expect(steps[4]?.action).toEqual({ kind: 'replace', node: 'pg-1', from: '17.5', to: '17.10' });
    expect(nodes.map((n) => [n.id, n.role, n.from, n.to])).toEqual([
      ['pg-1', 'primary', '17.5', '17.10'],
      ['pg-2', 'replica', '17.5', '17.10'],
      ['pg-3', 'replica', '17.5', '17.10'],
    ]);
    expect(hash).toMatch(/^[0-9a-f]{16}$/);
  });

  it('names the gates in the order in which they are asked', () => {
    const gates = Object.fromEntries(plan().steps.map((s) => [s.id, s.gates]));
    expect(gates['prepare']).toEqual([]);
    expect(gates['replace/pg-2']).toEqual([
      'cluster-healthy',
      'one-primary',
      'no-obstacles',
      'quorum-without-node',
      'others-in-sync',
      'version-skew',
      'nothing-else-drained',
      'artifact-verified',
      'in-flight-finished',
      'lag-zero',
      'node-healthy',
      'version-reported',
      'caught-up',
      'canary-replicated',
      'soak-held',
    ]);
    expect(gates['handover/default']).toEqual([
      'cluster-healthy',
      'one-primary',
      'no-obstacles',
      'quorum-without-node',
      'others-in-sync',
      'version-skew',
      'nothing-else-drained',
      'candidate-in-sync',
      'canary-replicated',
      'candidate-at-fence',
      'epoch-grew',
      'replicas-follow',
    ]);
    expect(gates['replace/pg-1']).toEqual([
      'node-healthy',
      'version-reported',
      'caught-up',
      'canary-replicated',
      'soak-held',
    ]);
    expect(gates['finish']).toEqual(['cluster-healthy', 'one-primary', 'all-on-target']);
  });

  it('every step says what it does', () => {
    for (const step of plan().steps) expect(step.effects.length, step.id).toBeGreaterThan(0);
  });

  it('a learner is no candidate', () => {
    const view = sampleView({ 'pg-3': { role: known('learner') } });
    expect(plan({ view }).steps.find((s) => s.action.kind === 'handover')?.action).toMatchObject({
      candidates: ['pg-2'],
    });
  });

  it.each([
    { before: [], marked: [] },
    { before: ['start'], marked: ['prepare'] },
    { before: ['handover'], marked: ['handover/default'] },
    {
      before: ['handover/default', 'replace/pg-3', 'finish'],
      marked: ['replace/pg-3', 'handover/default', 'finish'],
    },
  ])('approvals before $before', ({ before, marked }) => {
    const { steps } = plan({ upgrade: sampleUpgrade({ approvals: { before } }) });
    expect(steps.filter((s) => s.approval).map((s) => s.id)).toEqual(marked);
  });

  it.each([
    { kind: 'none', says: /client routing is not managed: clients must find the primary themselves/ },
    { kind: 'proxy', says: /takes pg-2 out of client routing \(proxy\)/ },
  ])('says what routing $kind means', ({ kind, says }) => {
    const { steps } = plan({ cluster: { ...sampleCluster(), routing: { kind } } });
    expect(steps.find((s) => s.id === 'replace/pg-2')?.effects.join('\n')).toMatch(says);
  });

  it('says that without a probe nothing is proven', () => {
    const upgrade = sampleUpgrade({ probe: { enabled: false } });
    const { steps, kind } = plan({
      upgrade,
      capabilities: { handover: 'fence', probe: false, backup: false },
    });
    expect(kind).toBe('possible');
    expect(steps[0]?.effects.join('\n')).toMatch(/starts no probe/);
    expect(steps.at(-1)?.effects.join('\n')).not.toMatch(/probe/);
  });
});

describe('R-PLAN-3: what is on the target is left alone', () => {
  it('a cluster wholly on the target makes an empty plan', () => {
    const view = sampleView({ 'pg-1': onTarget, 'pg-2': onTarget, 'pg-3': onTarget });
    expect(plan({ view, artifacts: [] })).toMatchObject({
      kind: 'done',
      steps: [],
      refusals: [],
      windows: [],
      notes: [],
    });
  });

  it('a replica on the target is left out, and its approval stays valid', () => {
    const upgrade = sampleUpgrade({ approvals: { before: ['replace/pg-2'] } });
    const { kind, steps } = plan({ view: sampleView({ 'pg-2': onTarget }), upgrade });
    expect(kind).toBe('possible');
    expect(steps.map((s) => s.id)).toEqual([
      'prepare',
      'replace/pg-3',
      'handover/default',
      'replace/pg-1',
      'finish',
    ]);
  });

  it('a primary on the target is not handed over', () => {
    const { steps } = plan({
      view: sampleView({ 'pg-1': onTarget }),
      capabilities: { probe: true, backup: false },
    });
    expect(steps.map((s) => s.id)).toEqual(['prepare', 'replace/pg-2', 'replace/pg-3', 'finish']);
  });

  it('asks no artifact of a node that does not change', () => {
    const artifacts = artifact('pg-2', '17.5', { kind: 'absent', path: '/opt/17.5' });
    expect(plan({ view: sampleView({ 'pg-2': onTarget }), artifacts }).kind).toBe('possible');
  });

  it('a silent node is not "done"', () => {
    const view = sampleView({ 'pg-1': onTarget, 'pg-2': onTarget, 'pg-3': { ...onTarget, reachable: dark } });
    expect(plan({ view })).toMatchObject({
      kind: 'refused',
      refusals: [{ code: 'NODE_UNREACHABLE', node: 'pg-3' }],
    });
  });

  it('nothing observed is not "done"', () => {
    for (const view of [sampleView({}, {}, { groups: [] }), sampleView({}, { nodes: [] })]) {
      const refused = plan({ view });
      expect(refused.kind).toBe('refused');
      expect(refused.refusals.filter((r) => r.code === 'NODE_UNREACHABLE').map((r) => r.node)).toEqual([
        'pg-1',
        'pg-2',
        'pg-3',
      ]);
    }
  });

  it('a foreign node is not "done"', () => {
    const view = sampleView({
      'pg-1': onTarget,
      'pg-2': onTarget,
      'pg-3': { ...onTarget, identity: known('9999') },
    });
    expect(codes(plan({ view }))).toEqual(['FOREIGN_NODE']);
  });

  it('says what is wrong with a cluster that is done', () => {
    const all = { 'pg-1': onTarget, 'pg-2': onTarget, 'pg-3': { ...onTarget, inSync: known(false) } };
    const done = plan({ view: sampleView(all) });
    expect(done.kind).toBe('done');
    expect(done.notes.join('\n')).toMatch(/every node is on 17\.10, but: pg-3 is not in sync/);
  });
});

interface RefusalCase {
  readonly why: string;
  readonly code: string;
  readonly change: Partial<PlanInput>;
  readonly node?: string;
  readonly message: RegExp;
  readonly remedy: RegExp;
  readonly acceptAs?: string;
  /** Others that the same state must bring. */
  readonly also?: readonly string[];
}

const replayPaused = {
  code: 'REPLAY_PAUSED',
  node: 'pg-3',
  message: 'replay is paused on pg-3',
  remedy: 'Resume it.',
};

const refusals: readonly RefusalCase[] = [
  {
    why: 'one node',
    code: 'SINGLE_NODE',
    node: 'pg-1',
    change: {
      cluster: { ...sampleCluster(), nodes: sampleCluster().nodes.slice(0, 1) },
      view: sampleView({}, { nodes: [node('pg-1')] }),
    },
    message: /has only pg-1/,
    remedy: /Stand up a replica first/,
  },
  {
    why: 'only learners besides',
    code: 'SINGLE_NODE',
    change: { view: sampleView({ 'pg-2': { role: known('learner') }, 'pg-3': { role: known('learner') } }) },
    message: /no other node could take over/,
    remedy: /Stand up a replica/,
  },
  {
    why: 'a node away',
    code: 'NODE_UNREACHABLE',
    node: 'pg-3',
    change: { view: sampleView({ 'pg-3': { reachable: known(false) } }) },
    message: /pg-3 \(pg-3\.example:5432\) does not answer/,
    remedy: /Bring pg-3 back/,
  },
  {
    why: 'reachability dark',
    code: 'NODE_UNREACHABLE',
    node: 'pg-3',
    change: { view: sampleView({ 'pg-3': { reachable: dark } }) },
    message: /permission denied/,
    remedy: /reachable from the worker/,
  },
  {
    why: 'a node not observed',
    code: 'NODE_UNREACHABLE',
    node: 'pg-3',
    change: { view: sampleView({}, { nodes: [node('pg-1'), node('pg-2')] }) },
    message: /pg-3 .* was not observed/,
    remedy: /reachable/,
  },
  ...(
    ['role', 'version', 'serving', 'identity', 'inSync', 'lag', 'upstream', 'epoch', 'inFlight'] as const
  ).map((fact): RefusalCase => ({
    why: `${fact} of a replica dark`,
    code: 'NODE_STATE_UNKNOWN',
    node: 'pg-3',
    change: { view: sampleView({ 'pg-3': { [fact]: dark } }) },
    message: /not known of pg-3: .*permission denied/,
    remedy: /Let the observing user read it/,
  })),
  ...(['role', 'version', 'serving', 'identity', 'epoch'] as const).map((fact): RefusalCase => ({
    why: `${fact} of the primary dark`,
    code: 'NODE_STATE_UNKNOWN',
    node: 'pg-1',
    change: { view: sampleView({ 'pg-1': { [fact]: dark } }) },
    message: /not known of pg-1: .*permission denied/,
    remedy: /Let the observing user read it/,
  })),
  {
    why: 'whether a node may stop is dark',
    code: 'NODE_STATE_UNKNOWN',
    node: 'pg-2',
    change: {
      view: sampleView({
        'pg-2': { stop: { ...needed, verdict: 'unknown', evidence: 'settings unreadable' } },
      }),
      upgrade: sampleUpgrade({ accept: ['no-standby'] }),
    },
    message: /whether it can be taken down \(settings unreadable\)/,
    remedy: /observing user/,
  },
  {
    why: 'the epoch of the group dark',
    code: 'NODE_STATE_UNKNOWN',
    change: { view: sampleView({}, { epoch: dark }) },
    message: /group default: its epoch/,
    remedy: /observing user/,
  },
  {
    why: 'durability dark',
    code: 'NODE_STATE_UNKNOWN',
    change: { view: sampleView({}, { durability: dark }) },
    message: /before it is acknowledged/,
    remedy: /observing user/,
  },
  {
    why: 'a node that does not serve',
    code: 'NODE_NOT_SERVING',
    node: 'pg-2',
    change: { view: sampleView({ 'pg-2': { serving: known(false) } }) },
    message: /pg-2 .* does not serve clients/,
    remedy: /finish starting/,
  },
  {
    why: 'no primary',
    code: 'NO_PRIMARY',
    change: { view: sampleView({ 'pg-1': { role: known('replica') } }, { primaries: [] }) },
    message: /no node of default takes writes, although pg-1, pg-2, pg-3 answer/,
    remedy: /one writable primary/,
  },
  {
    why: 'two primaries',
    code: 'TWO_PRIMARIES',
    change: { view: sampleView({ 'pg-2': { role: known('primary') } }, { primaries: ['pg-1', 'pg-2'] }) },
    message: /pg-1 and pg-2 take writes at the same time/,
    remedy: /rebuild the other/,
  },
  {
    why: 'a node of another cluster',
    code: 'FOREIGN_NODE',
    change: { view: sampleView({ 'pg-3': { identity: known('9999') } }) },
    message: /pg-1, pg-2: 7301; pg-3: 9999/,
    remedy: /addresses/,
  },
  {
    why: 'a node nobody declared',
    code: 'FOREIGN_NODE',
    node: 'pg-4',
    change: {
      view: sampleView({}, { nodes: [...sampleView().groups.flatMap((g) => g.nodes), node('pg-4')] }),
    },
    message: /pg-4 .* not in the cluster file/,
    remedy: /Add pg-4/,
    also: ['ARTIFACT_UNKNOWN'],
  },
  {
    why: 'a replica not in sync',
    code: 'NOT_IN_SYNC',
    node: 'pg-3',
    change: { view: sampleView({ 'pg-3': { inSync: known(false) } }) },
    message: /pg-3 is not in sync and lags 0 bytes/,
    remedy: /Let pg-3 catch up/,
  },
  {
    why: 'a replica far behind',
    code: 'NOT_IN_SYNC',
    node: 'pg-3',
    change: { view: sampleView({ 'pg-3': { lag: known(16_777_217) } }) },
    message: /lags 16777217 bytes; in sync and at most 16777216 bytes/,
    remedy: /catch up/,
  },
  {
    why: 'an impossible lag',
    code: 'NOT_IN_SYNC',
    node: 'pg-3',
    change: { view: sampleView({ 'pg-3': { lag: known(-1) } }) },
    message: /lags -1 bytes/,
    remedy: /catch up/,
  },
  {
    why: 'a cascade',
    code: 'NOT_FOLLOWING_PRIMARY',
    node: 'pg-3',
    change: { view: sampleView({ 'pg-3': { upstream: known('pg-2') } }) },
    message: /pg-3 follows pg-2, not the primary pg-1/,
    remedy: /follow pg-1 directly/,
  },
  {
    why: 'a stop without quorum',
    code: 'NO_QUORUM',
    node: 'pg-2',
    change: { view: sampleView({ 'pg-2': { stop: { verdict: 'hold', evidence: 'pg-2 is needed' } } }) },
    message: /pg-2 cannot be taken down: pg-2 is needed/,
    remedy: /^Add a replica, [^"]*$/,
  },
  {
    why: 'a window not accepted',
    code: 'NO_QUORUM',
    node: 'pg-2',
    acceptAs: 'no-standby',
    change: { view: sampleView({ 'pg-2': { stop: needed } }) },
    message: /the only synchronous standby/,
    remedy: /add "no-standby" to spec\.accept, and with it the risk: a crash of pg-1/,
  },
  {
    why: 'the primary needs a window',
    code: 'NO_QUORUM',
    node: 'pg-1',
    acceptAs: 'no-standby',
    change: { view: sampleView({ 'pg-1': { stop: needed } }) },
    message: /pg-1 cannot be taken down/,
    remedy: /no-standby/,
  },
  {
    why: 'an obstacle',
    code: 'REPLAY_PAUSED',
    node: 'pg-3',
    change: { view: sampleView({}, {}, { obstacles: [replayPaused] }) },
    message: /replay is paused/,
    remedy: /^Resume it\.$/,
  },
  {
    why: 'an obstacle that could be accepted',
    code: 'REPLAY_PAUSED',
    node: 'pg-3',
    acceptAs: 'paused',
    change: { view: sampleView({}, {}, { obstacles: [{ ...replayPaused, acceptAs: 'paused' }] }) },
    message: /replay is paused/,
    remedy: /Resume it\. Or add "paused" to spec\.accept\./,
  },
  {
    why: 'an obstacle that nobody may accept',
    code: 'REPLAY_PAUSED',
    change: {
      upgrade: sampleUpgrade({ accept: ['REPLAY_PAUSED'] }),
      view: sampleView({}, {}, { obstacles: [replayPaused] }),
    },
    message: /paused/,
    remedy: /Resume/,
  },
  {
    why: 'another major',
    code: 'MAJOR_NEEDS_MIGRATION',
    change: { upgrade: sampleUpgrade({ to: '18.1' }) },
    message: /pg-1, pg-2, pg-3: 17\.5 → 18\.1: .*https:/,
    remedy: /StorageMigration/,
    also: ['ARTIFACT_UNKNOWN'],
  },
  {
    why: 'a bad release',
    code: 'VERSION_KNOWN_BAD',
    change: {
      upgrade: sampleUpgrade({ to: '17.1' }),
      view: sampleView({
        'pg-1': { version: known('17.0') },
        'pg-2': { version: known('17.0') },
        'pg-3': { version: known('17.0') },
      }),
    },
    message: /breaks extensions/,
    remedy: /outside 17\.1 to 17\.1/,
    also: ['ARTIFACT_UNKNOWN'],
  },
  {
    why: 'an older release',
    code: 'VERSION_DOWNGRADE',
    change: { upgrade: sampleUpgrade({ to: '17.4' }) },
    message: /17\.4 is older than 17\.5/,
    remedy: /rollback/,
    also: ['ARTIFACT_UNKNOWN'],
  },
  {
    why: 'one node newer than the target',
    code: 'VERSION_DOWNGRADE',
    change: { view: sampleView({ 'pg-3': { version: known('17.11') } }) },
    message: /pg-3: 17\.11 → 17\.10/,
    remedy: /rollback/,
    also: ['ARTIFACT_UNKNOWN'],
  },
  {
    why: 'a version that is none',
    code: 'VERSION_UNREADABLE',
    change: { view: sampleView({ 'pg-3': { version: known('17beta1') } }) },
    message: /"17beta1" is not a version/,
    remedy: /released versions/,
    also: ['ARTIFACT_UNKNOWN'],
  },
  {
    why: 'the target written differently',
    code: 'VERSION_SPELLING',
    change: { upgrade: sampleUpgrade({ to: '17.5.0' }) },
    message: /report 17\.5, which is 17\.5\.0 written differently/,
    remedy: /to: "17\.5"/,
    also: ['ARTIFACT_UNKNOWN'],
  },
  {
    why: 'a missing waypoint',
    code: 'MISSING_WAYPOINT',
    change: {
      rules: {
        ...sampleRules,
        rows: [
          {
            kind: 'waypoint',
            from: '17.0',
            below: '17.7',
            series: '17',
            via: '17.7',
            reason: 'catalogue change',
            source: 'https://example.org/17.7',
          },
        ],
      },
    },
    message: /by way of 17\.7: catalogue change \(https/,
    remedy: /17\.5 → 17\.7 → 17\.10/,
  },
  {
    why: 'the target absent',
    code: 'ARTIFACT_ABSENT',
    node: 'pg-2',
    change: { artifacts: artifact('pg-2', '17.10', { kind: 'absent', path: '/opt/17.10' }) },
    message: /17\.10 \(the target\) for pg-2: there is nothing at \/opt\/17\.10/,
    remedy: /Put 17\.10 at/,
  },
  {
    why: 'the target differs',
    code: 'ARTIFACT_MISMATCH',
    node: 'pg-1',
    change: { artifacts: artifact('pg-1', '17.10', { kind: 'differs', expected: 'bb', actual: 'cc' }) },
    message: /has sha256 cc, the cluster file declares bb/,
    remedy: /rollgate digest/,
  },
  {
    why: 'the target undeclared',
    code: 'ARTIFACT_UNDECLARED',
    node: 'pg-3',
    change: { artifacts: artifact('pg-3', '17.10', { kind: 'undeclared' }) },
    message: /declares no artifact/,
    remedy: /artifacts\."17\.10"/,
  },
  {
    why: 'the way back absent',
    code: 'ARTIFACT_ABSENT',
    node: 'pg-2',
    change: { artifacts: artifact('pg-2', '17.5', { kind: 'absent', path: '/opt/17.5' }) },
    message: /17\.5 \(the way back\) for pg-2/,
    remedy: /A rollback would need it/,
  },
  {
    why: 'the way back differs',
    code: 'ARTIFACT_MISMATCH',
    node: 'pg-2',
    change: { artifacts: artifact('pg-2', '17.5', { kind: 'differs', expected: 'aa', actual: 'cc' }) },
    message: /the way back/,
    remedy: /rollback/,
  },
  {
    why: 'the way back undeclared',
    code: 'ARTIFACT_UNDECLARED',
    node: 'pg-2',
    change: { artifacts: artifact('pg-2', '17.5', { kind: 'undeclared' }) },
    message: /the way back/,
    remedy: /artifacts\."17\.5".*rollback/,
  },
  {
    why: 'an artifact unreadable',
    code: 'ARTIFACT_UNKNOWN',
    node: 'pg-2',
    change: { artifacts: artifact('pg-2', '17.10', { kind: 'unknown', reason: 'EACCES' }) },
    message: /EACCES/,
    remedy: /readable for the worker/,
  },
  {
    why: 'an artifact that nobody looked at',
    code: 'ARTIFACT_UNKNOWN',
    node: 'pg-2',
    change: { artifacts: sampleArtifacts().filter((a) => a.node !== 'pg-2' || a.version !== '17.10') },
    message: /not verified/,
    remedy: /Plan again/,
  },
  {
    why: 'the host has no record of what it runs',
    code: 'NOT_INSTALLED',
    node: 'pg-1',
    change: { installed: { 'pg-1': known(undefined), 'pg-2': known('17.5'), 'pg-3': known('17.5') } },
    message: /pg-1 runs 17\.5, and its host has no version recorded/,
    remedy: /record name 17\.5/,
  },
  {
    why: 'the host would start another version than runs',
    code: 'NOT_INSTALLED',
    node: 'pg-2',
    change: { installed: { 'pg-1': known('17.5'), 'pg-2': known('17.10'), 'pg-3': known('17.5') } },
    message: /pg-2 runs 17\.5, and its host has 17\.10 recorded/,
    remedy: /record name 17\.5/,
  },
  {
    why: 'the host does not tell what is installed',
    code: 'NOT_INSTALLED',
    node: 'pg-3',
    change: { installed: { 'pg-1': known('17.5'), 'pg-2': known('17.5'), 'pg-3': unknown('EACCES') } },
    message: /not known: EACCES/,
    remedy: /record name 17\.5/,
  },
  {
    why: 'no handover',
    code: 'HANDOVER_UNSUPPORTED',
    node: 'pg-1',
    change: { capabilities: { probe: true, backup: false } },
    message: /pg-1 is the primary .* sample has no handover/,
    remedy: /by hand/,
  },
  {
    why: 'no probe',
    code: 'PROBE_UNSUPPORTED',
    change: { capabilities: { handover: 'fence', probe: false, backup: false } },
    message: /no write ledger/,
    remedy: /probe\.enabled to false/,
  },
  {
    why: 'an approval of nothing',
    code: 'UNKNOWN_STEP',
    change: { upgrade: sampleUpgrade({ approvals: { before: ['replace/pg-9'] } }) },
    message: /names replace\/pg-9/,
    remedy: /start, handover, prepare, replace\/pg-2/,
  },
];

describe('R-PLAN-2: refused, with code, reason and remedy', () => {
  it.each(refusals)('$code: $why', (test) => {
    const refused = plan(test.change);
    expect(refused.kind).toBe('refused');
    expect(refused.steps).toEqual([]);
    const found = refused.refusals.filter((r: Refusal) => r.code === test.code);
    expect(found.length).toBeGreaterThan(0);
    const [first] = found;
    expect(first?.message).toMatch(test.message);
    expect(first?.remedy).toMatch(test.remedy);
    expect(first?.acceptAs).toBe(test.acceptAs);
    if (test.node !== undefined) expect(first?.node).toBe(test.node);
    // Nothing else is claimed to be wrong.
    expect(codes(refused)).toEqual([test.code, ...(test.also ?? [])].sort());
  });

  it('the baseline of these cases is possible', () => {
    expect(plan()).toMatchObject({ kind: 'possible', refusals: [] });
  });

  it('names every reason at once', () => {
    const view = sampleView(
      { 'pg-2': { inSync: known(false) }, 'pg-3': { reachable: dark } },
      {},
      { obstacles: [replayPaused] },
    );
    expect(codes(plan({ view, upgrade: sampleUpgrade({ to: '18.1' }) }))).toEqual([
      'ARTIFACT_UNKNOWN',
      'MAJOR_NEEDS_MIGRATION',
      'NODE_UNREACHABLE',
      'NOT_IN_SYNC',
      'REPLAY_PAUSED',
    ]);
  });

  it('a silent primary is not taken for "no primary"', () => {
    const view = sampleView(
      { 'pg-1': { reachable: known(false), role: dark, version: dark } },
      { primaries: [], epoch: dark },
    );
    expect(codes(plan({ view }))).toEqual(['NODE_UNREACHABLE']);
  });
});

describe('R-PLAN-2: a window of loss is opened only by name', () => {
  const accepted = {
    upgrade: sampleUpgrade({ accept: ['no-standby'] }),
    view: sampleView({ 'pg-2': { stop: needed } }),
  };

  it('is in the plan, its step and its notes', () => {
    const { kind, windows, steps, notes } = plan(accepted);
    expect(kind).toBe('possible');
    expect(windows).toEqual([{ name: 'no-standby', risk: needed.window?.risk }]);
    const effects = steps.find((s) => s.id === 'replace/pg-2')?.effects.join('\n');
    expect(effects).toMatch(/opens the window no-standby/);
    expect(effects).toMatch(/borrows synchronous_standby_names of pg-1: "" for the time/);
    expect(notes).toEqual(['the window no-standby is open during replace/pg-2']);
  });

  it('is not opened for a node that does not change', () => {
    const { windows, notes } = plan({
      ...accepted,
      view: sampleView({ 'pg-2': { stop: needed, ...onTarget } }),
    });
    expect(windows).toEqual([]);
    expect(notes).toEqual(['spec.accept names no-standby, which this plan does not need']);
  });

  it('is not opened where the node can be stopped without it', () => {
    const view = sampleView({ 'pg-2': { stop: { ...needed, verdict: 'pass' } } });
    const { windows, steps, notes } = plan({ ...accepted, view });
    expect(windows).toEqual([]);
    expect(steps.flatMap((s) => s.effects).join('\n')).not.toMatch(/window|borrows/);
    expect(notes).toEqual(['spec.accept names no-standby, which this plan does not need']);
  });

  it('an accepted obstacle is in the plan too', () => {
    const view = sampleView({}, {}, { obstacles: [{ ...replayPaused, acceptAs: 'paused' }] });
    const { kind, windows, notes } = plan({ view, upgrade: sampleUpgrade({ accept: ['paused'] }) });
    expect({ kind, windows, notes }).toEqual({
      kind: 'possible',
      windows: [{ name: 'paused', risk: 'replay is paused on pg-3' }],
      notes: [],
    });
  });

  it('a name that nothing has is a note', () => {
    const { kind, notes } = plan({ upgrade: sampleUpgrade({ accept: ['no-such-thing'] }) });
    expect(kind).toBe('possible');
    expect(notes.join('\n')).toMatch(/^UNKNOWN_ACCEPT: spec\.accept names no-such-thing/);
  });
});

describe('R-PLAN-1: notes', () => {
  it('a bad version is left, with the reason', () => {
    const artifacts = sampleArtifacts().map((a) => (a.version === '17.5' ? { ...a, version: '17.1' } : a));
    const bad = { version: known('17.1') };
    const { kind, notes } = plan({ view: sampleView({ 'pg-1': bad, 'pg-2': bad, 'pg-3': bad }), artifacts });
    expect(kind).toBe('possible');
    expect(notes).toEqual([
      '17.1 is known to be bad (breaks extensions; https://example.org/17.2): this plan leaves it',
    ]);
  });

  it('says what asynchronous replication loses', () => {
    expect(plan({ view: sampleView({}, { durability: known('asynchronous') }) }).notes.join('\n')).toMatch(
      /acknowledges writes on its primary alone/,
    );
  });
});
