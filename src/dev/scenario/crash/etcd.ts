import { chmod, cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  valueOf,
  type ClusterSpec,
  type ChangingActivities,
  type Outcome,
} from '../../../contracts/index.js';
import { digestDirectory } from '../../../hosts/artifact-digest.js';
import { inspectMembers } from '../../etcd/inspect.js';
import type { EtcdSampleCluster } from '../../etcd/sample-cluster.js';
import { runEtcdScenario, type EtcdScenario } from '../etcd.js';
import type { ScenarioContext, ScenarioResult } from '../run.js';
import type { CrashScenario } from './scenario.js';

type Activity = keyof ChangingActivities;

interface EtcdCrash {
  readonly title: string;
  readonly activities: readonly Activity[];
  readonly scenario: EtcdScenario;
  readonly outcome: Outcome;
  /** What every member runs at the end, and the level. */
  readonly version: string;
  readonly level: string;
  readonly members: number;
  /** Nodes that are no members at the end. */
  readonly out?: readonly string[];
  /** How often the leader was moved by the run. */
  readonly handovers: number;
  /** Node → how often it may have been started by the run. */
  readonly starts: Readonly<Record<string, number>>;
}

const ordinary: readonly Activity[] = [
  'saveBackup',
  'createScratch',
  'startProbe',
  'drainNode',
  'stopNode',
  'installArtifact',
  'startNode',
  'proveReplication',
  'tidyNode',
  'restoreNode',
  'transferPrimary',
  'stopProbe',
  'dropScratch',
  'writeReport',
];

const three = (times: number): Record<string, number> => ({
  'etcd-1': times,
  'etcd-2': times,
  'etcd-3': times,
});

const crashes: Readonly<Record<string, EtcdCrash>> = {
  'etcd-up': {
    title: 'etcd 3.5.35 → 3.6.16 with the version switch',
    activities: ordinary,
    scenario: {},
    outcome: 'completed',
    version: '3.6.16',
    level: '3.6',
    members: 3,
    handovers: 1,
    starts: three(1),
  },
  'etcd-down': {
    title: 'etcd 3.6.16 → 3.5.35 by the downgrade',
    activities: [...ordinary, 'lowerLevel'],
    scenario: { sample: { version: '3.6.16' }, upgrade: { to: '3.5.35' } },
    outcome: 'completed',
    version: '3.5.35',
    level: '3.5',
    members: 3,
    handovers: 1,
    starts: three(1),
  },
  'etcd-cancelled': {
    title: 'a downgrade that is aborted before any member has changed',
    activities: ['lowerLevel', 'cancelLowering'],
    scenario: {
      sample: { version: '3.6.16' },
      upgrade: {
        to: '3.5.35',
        approvals: { before: ['replace/etcd-1', 'replace/etcd-2', 'replace/etcd-3'] },
      },
      during: async ({ until, handle }) => {
        await until('the level is lowered', (s) => s.waiting?.step.startsWith('replace/') === true);
        await handle.abort({ by: 'the test' });
      },
    },
    outcome: 'aborted',
    version: '3.6.16',
    level: '3.6',
    members: 3,
    handovers: 0,
    starts: three(0),
  },
  formation: {
    title: 'a standalone becomes three members, another one leads, and the seed leaves',
    activities: [
      'writeMode',
      'stopStandalone',
      'snapshotStandalone',
      'restoreSeed',
      'verifySeed',
      'finalizeSeed',
      'installArtifact',
      'startNode',
      'createScratch',
      'startProbe',
      'addLearner',
      'startMember',
      'promoteLearner',
      'proveReplication',
      'transferPrimary',
      'removeMember',
      'stopProbe',
      'dropScratch',
      'writeReport',
    ],
    scenario: {
      formation: { leader: 'etcd-2', remove: ['etcd-1'] },
      before: withData,
      after: hasData('etcd-2'),
    },
    outcome: 'completed',
    version: '3.6.16',
    level: '3.6',
    members: 2,
    out: ['etcd-1'],
    handovers: 1,
    starts: { 'etcd-1': 1, 'etcd-2': 1, 'etcd-3': 1 },
  },
  'by-membership': {
    title: 'etcd 3.5.35 → 3.6.16 by three new members in the place of three old ones',
    activities: [
      'saveBackup',
      'createScratch',
      'startProbe',
      'installArtifact',
      'addLearner',
      'startMember',
      'promoteLearner',
      'proveReplication',
      'removeMember',
      'transferPrimary',
      'stopProbe',
      'dropScratch',
      'writeReport',
    ],
    scenario: {
      sample: { spares: ['etcd-4', 'etcd-5', 'etcd-6'] },
      upgrade: {
        strategy: 'by-membership',
        replacements: { 'etcd-1': 'etcd-4', 'etcd-2': 'etcd-5', 'etcd-3': 'etcd-6' },
      },
    },
    outcome: 'completed',
    version: '3.6.16',
    level: '3.6',
    members: 3,
    out: ['etcd-1', 'etcd-2', 'etcd-3'],
    handovers: 1,
    starts: { ...three(0), 'etcd-4': 1, 'etcd-5': 1, 'etcd-6': 1 },
  },
  'formation-back': {
    title: 'a seed that cannot be restored, and the standalone is one again',
    activities: ['writeMode', 'stopStandalone', 'restoreStandalone'],
    scenario: {
      formation: { onFailure: 'rollback', probe: { enabled: false } },
      before: async (sample) => withBrokenRestore(sample, await withData(sample)),
      after: hasData('etcd-1'),
    },
    outcome: 'rolled-back',
    version: '3.6.16',
    level: '3.6',
    members: 1,
    out: ['etcd-2', 'etcd-3'],
    handovers: 0,
    starts: { 'etcd-1': 1, 'etcd-2': 0, 'etcd-3': 0 },
  },
};

/** Runs on a real etcd cluster, and from a real standalone. */
export const etcdCrashes = (): Record<string, CrashScenario> =>
  Object.fromEntries(
    Object.entries(crashes).map(([name, crash]) => [
      name,
      {
        title: crash.title,
        activities: crash.activities,
        run: async (faults) => {
          const objections: string[] = [];
          const result = await runEtcdScenario({
            ...crash.scenario,
            // Minutes of mostly waiting for the next worker: fewer writes tell as much, and leave the time to others.
            upgrade: { probe: { writers: 4, interval: '100ms' }, ...crash.scenario.upgrade },
            faults,
            after: async (context, ended) => {
              objections.push(...(await judge(crash, context, ended)));
              await crash.scenario.after?.(context, ended);
            },
          });
          return { result, objections };
        },
      },
    ]),
  );

async function judge(
  crash: EtcdCrash,
  context: ScenarioContext<EtcdSampleCluster>,
  { state, journals }: ScenarioResult,
): Promise<string[]> {
  const objections: string[] = [];
  const expect = (what: string, seen: unknown, wanted: unknown): void => {
    if (JSON.stringify(seen) !== JSON.stringify(wanted)) {
      objections.push(`${what}: ${JSON.stringify(seen)} instead of ${JSON.stringify(wanted)}`);
    }
  };
  expect('outcome', state.run.outcome, crash.outcome);
  if (crash.scenario.formation === undefined || crash.outcome === 'completed') {
    expect('lost writes', state.writes?.lost, 0);
    expect('history', state.writes?.linearizability?.verdict, 'linearizable');
    if ((state.writes?.acknowledged ?? 0) === 0) objections.push('no write was acknowledged');
  }
  expect(
    'borrowed at the end',
    state.ledger.map((l) => l.id),
    [],
  );
  expect('left undone', state.leftUndone, []);
  expect('handovers', state.handovers.filter((h) => h.result === 'done').length, crash.handovers);
  for (const [node, times] of Object.entries(crash.starts)) {
    const starts = (journals[node] ?? []).filter((l) => l.action === 'start');
    expect(`${node} was started`, starts.length, times);
  }
  const facts = (await inspectMembers(context.sample)).filter((f) => crash.out?.includes(f.node) !== true);
  for (const fact of facts) {
    if (fact.kind === 'silent') {
      objections.push(`${fact.node} does not answer: ${fact.reason}`);
      continue;
    }
    expect(`version of ${fact.node}`, fact.version, crash.version);
    expect(`level of ${fact.node}`, fact.clusterVersion, `${crash.level}.0`);
    expect(`members that ${fact.node} knows`, fact.members, crash.members);
    expect(`learners and unstarted members on ${fact.node}`, [fact.learners, fact.unstarted], [0, 0]);
    expect(`lowering on ${fact.node}`, valueOf(fact.downgrade), false);
    expect(`keys of ours on ${fact.node}`, fact.scratchKeys, 0);
  }
  expect('leaders', facts.filter((f) => f.kind === 'answering' && f.isLeader).length, 1);
  return objections;
}

const keys = 50;

/** Some data that the standalone has before anything begins. */
async function withData(sample: EtcdSampleCluster): Promise<ClusterSpec> {
  for (let i = 0; i < keys; i++) await sample.put('etcd-1', `before/${i}`, `value ${i}`);
  return sample.cluster;
}

function hasData(node: string): NonNullable<EtcdScenario['after']> {
  return async ({ sample }) => {
    for (let i = 0; i < keys; i++) {
      const seen = await sample.get(node, `before/${i}`, { local: true });
      if (seen !== `value ${i}`) throw new Error(`before/${i} is ${seen ?? 'not there'} on ${node}`);
    }
  };
}

/** An artifact whose server is right and whose `etcdutl` restores nothing: declared with its true digest. */
async function withBrokenRestore(sample: EtcdSampleCluster, cluster: ClusterSpec): Promise<ClusterSpec> {
  const good = cluster.artifacts['3.6.16'];
  if (!good) throw new Error('the sample has no artifact of 3.6.16');
  const path = join(sample.directory, 'broken-3.6.16');
  await cp(good.path, path, { recursive: true });
  const program = join(path, 'etcdutl');
  await writeFile(program, '#!/bin/sh\necho "snapshot restore: input/output error" >&2\nexit 1\n');
  await chmod(program, 0o755);
  const artifact = { path, sha256: await digestDirectory(path) };
  return { ...cluster, artifacts: { ...cluster.artifacts, '3.6.16': artifact } };
}
