import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Gate, GateVerdict, Verdict } from '../../src/contracts/gate.js';
import { known } from '../../src/contracts/observed.js';
import type { ClusterView } from '../../src/contracts/view.js';
import { allPass, evaluateGates, sameVerdicts, type GateContext } from '../../src/planning/gates.js';
import { at, dark, leveledView, node, observedAt, sampleView } from './sample.js';

type GateKind = Gate['gate'];

interface Case {
  readonly why: string;
  readonly verdict: Verdict;
  readonly gate?: Partial<Gate>;
  readonly view?: ClusterView;
  readonly ctx?: Partial<GateContext>;
  /** Words of the sentence that the operator reads. */
  readonly says: RegExp;
}

type Cases<K extends GateKind> = {
  readonly gate: Extract<Gate, { gate: K }>;
  readonly required: RegExp;
  readonly cases: readonly Case[];
};

const context: GateContext = {
  now: at(50),
  maxAgeMs: 5000,
  drained: [],
  routing: { 'pg-1': 'routed', 'pg-2': 'routed', 'pg-3': 'routed' },
  heldSince: { 'pg-1': at(-60_000), 'pg-2': at(-60_000), 'pg-3': at(-60_000) },
};

const away = { reachable: known(false), role: dark, serving: dark };
const promoted = sampleView(
  {
    'pg-1': { ...away, epoch: dark, upstream: dark },
    'pg-2': { role: known('primary'), upstream: known(undefined), epoch: known(4) },
    'pg-3': { upstream: known('pg-2'), epoch: known(4) },
  },
  { primaries: ['pg-2'], epoch: known(4) },
);
const window = { name: 'no-standby', risk: 'a crash of pg-1 loses writes', borrow: [] };

const withObstacle = (change: { acceptAs?: string } = {}): ClusterView =>
  sampleView(
    {},
    {},
    {
      obstacles: [
        {
          code: 'BACKUP',
          node: 'pg-2',
          message: 'a backup of pg-2 is in progress',
          remedy: 'Wait until it has ended.',
          ...change,
        },
      ],
    },
  );

/** The compiler asks for a case with each new gate; the test below asks for all three verdicts of each. */
const gates: { readonly [K in GateKind]: Cases<K> } = {
  'cluster-healthy': {
    gate: { gate: 'cluster-healthy', group: 'default', except: [] },
    required: /every node of default answers and serves/,
    cases: [
      { why: 'all are well', verdict: 'pass', says: /pg-1, pg-2, pg-3 answer and serve/ },
      {
        why: 'a node is away',
        verdict: 'hold',
        view: sampleView({ 'pg-3': away }),
        says: /pg-3 does not answer/,
      },
      {
        why: 'a node does not serve',
        verdict: 'hold',
        view: sampleView({ 'pg-3': { serving: known(false) } }),
        says: /pg-3 does not serve/,
      },
      {
        why: 'the one that is away is excepted',
        verdict: 'pass',
        gate: { except: ['pg-3'] },
        view: sampleView({ 'pg-3': away }),
        says: /pg-1, pg-2 answer/,
      },
      {
        why: 'reachability is dark',
        verdict: 'unknown',
        view: sampleView({ 'pg-2': { reachable: dark } }),
        says: /whether pg-2 answers is unknown: permission denied/,
      },
      {
        why: 'a role is dark',
        verdict: 'unknown',
        view: sampleView({ 'pg-2': { role: dark } }),
        says: /the role of pg-2 is unknown/,
      },
      {
        why: 'serving is dark',
        verdict: 'unknown',
        view: sampleView({ 'pg-2': { serving: dark } }),
        says: /whether pg-2 serves is unknown/,
      },
      {
        why: 'the group was not observed',
        verdict: 'unknown',
        view: sampleView({}, {}, { groups: [] }),
        says: /group default was not observed/,
      },
      {
        why: 'the group has no node',
        verdict: 'unknown',
        view: sampleView({}, { nodes: [] }),
        says: /no node of default was observed/,
      },
    ],
  },
  'one-primary': {
    gate: { gate: 'one-primary', group: 'default' },
    required: /exactly one node of default is a writable primary/,
    cases: [
      { why: 'there is one', verdict: 'pass', says: /pg-1 is the only primary/ },
      {
        why: 'there is none',
        verdict: 'hold',
        view: sampleView({ 'pg-1': { role: known('replica') } }, { primaries: [] }),
        says: /no node of default takes writes/,
      },
      {
        why: 'there are two',
        verdict: 'hold',
        view: sampleView({}, { primaries: ['pg-1', 'pg-2'] }),
        says: /pg-1 and pg-2 take writes at the same time/,
      },
      {
        why: 'another says it is primary too',
        verdict: 'hold',
        view: sampleView({ 'pg-3': { role: known('primary') } }),
        says: /pg-1 and pg-3 each say/,
      },
      {
        why: 'the writable node says it is a replica',
        verdict: 'hold',
        view: sampleView({ 'pg-1': { role: known('replica') } }),
        says: /pg-1 takes writes, but does not say/,
      },
      {
        why: 'a node whose role is dark could be a second',
        verdict: 'unknown',
        view: sampleView({ 'pg-3': { role: dark } }),
        says: /another primary is possible/,
      },
      {
        why: 'a node that is away could be a second',
        verdict: 'unknown',
        view: sampleView({ 'pg-3': away }),
        says: /pg-3 does not answer: another primary is possible/,
      },
      {
        why: 'none is seen and one is away',
        verdict: 'unknown',
        view: sampleView({ 'pg-1': away }, { primaries: [] }),
        says: /pg-1 does not answer/,
      },
    ],
  },
  'quorum-without-node': {
    gate: { gate: 'quorum-without-node', node: 'pg-2', acceptedWindows: [] },
    required: /quorum and redundancy survive without pg-2/,
    cases: [
      { why: 'the system says so', verdict: 'pass', says: /the others suffice without pg-2/ },
      {
        why: 'the system says no',
        verdict: 'hold',
        view: sampleView({ 'pg-2': { stop: { verdict: 'hold', evidence: 'pg-2 is needed' } } }),
        says: /pg-2 is needed/,
      },
      {
        why: 'a window is not accepted',
        verdict: 'hold',
        gate: { acceptedWindows: ['another'] },
        view: sampleView({ 'pg-2': { stop: { verdict: 'hold', evidence: 'pg-2 is needed', window } } }),
        says: /^pg-2 is needed$/,
      },
      {
        why: 'the window is accepted by name',
        verdict: 'pass',
        gate: { acceptedWindows: ['no-standby'] },
        view: sampleView({ 'pg-2': { stop: { verdict: 'hold', evidence: 'pg-2 is needed', window } } }),
        says: /the window no-standby is accepted/,
      },
      {
        why: 'the system cannot tell',
        verdict: 'unknown',
        view: sampleView({ 'pg-2': { stop: { verdict: 'unknown', evidence: 'no answer' } } }),
        says: /no answer/,
      },
      {
        why: 'an accepted window is no knowledge',
        verdict: 'unknown',
        gate: { acceptedWindows: ['no-standby'] },
        view: sampleView({ 'pg-2': { stop: { verdict: 'unknown', evidence: 'no answer', window } } }),
        says: /no answer/,
      },
      {
        why: 'the node was not observed',
        verdict: 'unknown',
        gate: { node: 'pg-9' },
        says: /pg-9 was not observed/,
      },
    ],
  },
  'others-in-sync': {
    gate: { gate: 'others-in-sync', node: 'pg-2', maxLag: 16_777_216, except: [] },
    required: /every replica but pg-2 is in sync and lags at most 16777216 bytes/,
    cases: [
      { why: 'the other is in sync', verdict: 'pass', says: /pg-3 in sync/ },
      {
        why: 'its own lag is no matter',
        verdict: 'pass',
        view: sampleView({ 'pg-2': { inSync: known(false) } }),
        says: /pg-3 in sync/,
      },
      {
        why: 'a little lag is allowed',
        verdict: 'pass',
        view: sampleView({ 'pg-3': { lag: known(16_777_216) } }),
        says: /at most 16777216 bytes behind/,
      },
      {
        why: 'the lag is beyond',
        verdict: 'hold',
        view: sampleView({ 'pg-3': { lag: known(16_777_217) } }),
        says: /pg-3 lags 16777217 bytes/,
      },
      {
        why: 'the other is not in sync',
        verdict: 'hold',
        view: sampleView({ 'pg-3': { inSync: known(false) } }),
        says: /pg-3 is not in sync/,
      },
      {
        why: 'the other is away',
        verdict: 'hold',
        view: sampleView({ 'pg-3': { reachable: known(false) } }),
        says: /pg-3 does not answer/,
      },
      {
        why: 'the primary is away',
        verdict: 'hold',
        view: sampleView({ 'pg-1': { reachable: known(false) } }),
        says: /pg-1 does not answer/,
      },
      {
        why: 'the primary is dark and alone',
        verdict: 'unknown',
        gate: { except: ['pg-3'] },
        view: sampleView({ 'pg-1': { reachable: dark } }),
        says: /whether pg-1 answers is unknown/,
      },
      {
        why: 'nobody is primary',
        verdict: 'hold',
        view: sampleView({}, { primaries: [] }),
        says: /nothing to be in sync with/,
      },
      {
        why: 'two are primary',
        verdict: 'hold',
        view: sampleView({}, { primaries: ['pg-1', 'pg-3'] }),
        says: /at the same time/,
      },
      {
        why: 'the other is excepted',
        verdict: 'pass',
        gate: { except: ['pg-3'] },
        view: sampleView({ 'pg-3': away }),
        says: /no other replica/,
      },
      {
        why: 'lag is dark',
        verdict: 'unknown',
        view: sampleView({ 'pg-3': { lag: dark } }),
        says: /the lag of pg-3 is unknown/,
      },
      {
        why: 'lag is negative',
        verdict: 'unknown',
        view: sampleView({ 'pg-3': { lag: known(-8) } }),
        says: /-8 bytes, which is no distance/,
      },
      {
        why: 'lag is no number',
        verdict: 'unknown',
        view: sampleView({ 'pg-3': { lag: known(Number.NaN) } }),
        says: /no distance/,
      },
      {
        why: 'sync is dark',
        verdict: 'unknown',
        view: sampleView({ 'pg-3': { inSync: dark } }),
        says: /whether pg-3 is in sync is unknown/,
      },
    ],
  },
  'version-skew': {
    gate: { gate: 'version-skew', group: 'default', versions: ['17.5', '17.10'] },
    required: /every node of default runs 17\.5 or 17\.10/,
    cases: [
      { why: 'all on the old', verdict: 'pass', says: /pg-1, pg-2, pg-3 run 17\.5 or 17\.10/ },
      {
        why: 'mixed as planned',
        verdict: 'pass',
        view: sampleView({ 'pg-2': { version: known('17.10') } }),
        says: /run 17\.5 or 17\.10/,
      },
      {
        why: 'a third version',
        verdict: 'hold',
        view: sampleView({ 'pg-3': { version: known('17.7') } }),
        says: /pg-3 reports 17\.7/,
      },
      {
        why: 'a version is dark',
        verdict: 'unknown',
        view: sampleView({ 'pg-3': { version: dark } }),
        says: /the version of pg-3 is unknown/,
      },
    ],
  },
  'no-obstacles': {
    gate: { gate: 'no-obstacles', group: 'default', accepted: ['slots-lost'] },
    required: /nothing forbids the run but slots-lost/,
    cases: [
      { why: 'there is none', verdict: 'pass', says: /nothing on pg-1, pg-2, pg-3 forbids the run/ },
      {
        why: 'the spec accepts it',
        verdict: 'pass',
        view: withObstacle({ acceptAs: 'slots-lost' }),
        says: /nothing on/,
      },
      {
        why: 'one has come up',
        verdict: 'hold',
        view: withObstacle(),
        says: /BACKUP: a backup of pg-2 is in progress/,
      },
      {
        why: 'it could be accepted, and is not',
        verdict: 'hold',
        view: withObstacle({ acceptAs: 'asynchronous' }),
        says: /BACKUP/,
      },
      {
        why: 'a node does not answer',
        verdict: 'unknown',
        view: sampleView({ 'pg-3': { reachable: dark } }),
        says: /pg-3/,
      },
    ],
  },
  'nothing-else-drained': {
    gate: { gate: 'nothing-else-drained', node: 'pg-2' },
    required: /no node but pg-2 is out of client routing/,
    cases: [
      { why: 'all are routed', verdict: 'pass', says: /none of pg-1, pg-3 is out of client routing/ },
      {
        why: 'the node itself is out',
        verdict: 'pass',
        ctx: { drained: ['pg-2'], routing: { ...context.routing, 'pg-2': 'drained' } },
        says: /none of pg-1, pg-3/,
      },
      {
        why: 'the run has drained another',
        verdict: 'hold',
        ctx: { drained: ['pg-3'] },
        says: /pg-3 out of client routing/,
      },
      {
        why: 'the run has drained another that was not observed',
        verdict: 'hold',
        ctx: { drained: ['pg-9'] },
        says: /pg-9 out of client routing/,
      },
      {
        why: 'somebody else has drained another',
        verdict: 'hold',
        ctx: { routing: { ...context.routing, 'pg-1': 'drained' } },
        says: /pg-1 out of client routing/,
      },
      {
        why: 'routing is nobody’s',
        verdict: 'pass',
        ctx: { routing: { 'pg-1': 'not-managed', 'pg-2': 'not-managed', 'pg-3': 'not-managed' } },
        says: /the client routing of pg-1, pg-3 is not managed/,
      },
      {
        why: 'the router does not know',
        verdict: 'unknown',
        ctx: { routing: { ...context.routing, 'pg-3': 'unknown' } },
        says: /client routing of pg-3 is unknown/,
      },
      {
        why: 'the router was not asked',
        verdict: 'unknown',
        ctx: { routing: undefined },
        says: /client routing of pg-1, pg-3 is unknown/,
      },
    ],
  },
  'in-flight-finished': {
    gate: { gate: 'in-flight-finished', node: 'pg-2', since: at(-1000) },
    required: /no client transaction on pg-2 from before 2026-03-01T11:59:59\.000Z/,
    cases: [
      { why: 'there is none', verdict: 'pass', says: /no client transaction on pg-2/ },
      {
        why: 'all began after the drain',
        verdict: 'pass',
        view: sampleView({ 'pg-2': { inFlight: known({ count: 2, oldestMs: 1000 }) } }),
        says: /2 client transactions on pg-2, the oldest 1000 ms old: begun since/,
      },
      {
        why: 'one is older',
        verdict: 'hold',
        view: sampleView({ 'pg-2': { inFlight: known({ count: 1, oldestMs: 1001 }) } }),
        says: /1 client transaction on pg-2, the oldest 1001 ms old/,
      },
      {
        why: 'the count is dark',
        verdict: 'unknown',
        view: sampleView({ 'pg-2': { inFlight: dark } }),
        says: /transactions on pg-2 are unknown/,
      },
      {
        why: 'the age is no number',
        verdict: 'unknown',
        view: sampleView({ 'pg-2': { inFlight: known({ count: 1, oldestMs: Number.NaN }) } }),
        says: /age of the oldest is not known/,
      },
      {
        why: 'the age is from the future',
        verdict: 'unknown',
        view: sampleView({ 'pg-2': { inFlight: known({ count: 1, oldestMs: -1 }) } }),
        says: /age of the oldest is not known/,
      },
      {
        why: 'the drain has no time',
        verdict: 'unknown',
        gate: { since: 'yesterday' },
        view: sampleView({ 'pg-2': { inFlight: known({ count: 1, oldestMs: 1 }) } }),
        says: /not known/,
      },
    ],
  },
  'lag-zero': {
    gate: { gate: 'lag-zero', node: 'pg-2' },
    required: /pg-2 lags at most 0 bytes/,
    cases: [
      { why: 'it has all', verdict: 'pass', says: /pg-2 lags 0 bytes/ },
      {
        why: 'it lags',
        verdict: 'hold',
        view: sampleView({ 'pg-2': { lag: known(48_123) } }),
        says: /pg-2 lags 48123 bytes/,
      },
      {
        why: 'it is away',
        verdict: 'hold',
        view: sampleView({ 'pg-2': { reachable: known(false) } }),
        says: /pg-2 does not answer/,
      },
      {
        why: 'lag is dark',
        verdict: 'unknown',
        view: sampleView({ 'pg-2': { lag: dark } }),
        says: /the lag of pg-2 is unknown/,
      },
      {
        why: 'it is ahead',
        verdict: 'unknown',
        view: sampleView({ 'pg-2': { lag: known(-1) } }),
        says: /no distance/,
      },
    ],
  },
  'node-healthy': {
    gate: { gate: 'node-healthy', node: 'pg-2' },
    required: /pg-2 answers and serves/,
    cases: [
      { why: 'it is well', verdict: 'pass', says: /pg-2 answers and serves/ },
      {
        why: 'it is away',
        verdict: 'hold',
        view: sampleView({ 'pg-2': away }),
        says: /pg-2 does not answer/,
      },
      {
        why: 'it does not serve',
        verdict: 'hold',
        view: sampleView({ 'pg-2': { serving: known(false) } }),
        says: /pg-2 does not serve/,
      },
      {
        why: 'serving is dark',
        verdict: 'unknown',
        view: sampleView({ 'pg-2': { serving: dark } }),
        says: /whether pg-2 serves is unknown/,
      },
      {
        why: 'its role is dark',
        verdict: 'unknown',
        view: sampleView({ 'pg-2': { role: dark } }),
        says: /the role of pg-2 is unknown/,
      },
    ],
  },
  'version-reported': {
    gate: { gate: 'version-reported', node: 'pg-2', version: '17.10' },
    required: /pg-2 reports 17\.10/,
    cases: [
      {
        why: 'it reports it',
        verdict: 'pass',
        view: sampleView({ 'pg-2': { version: known('17.10') } }),
        says: /pg-2 reports 17\.10/,
      },
      { why: 'it reports another', verdict: 'hold', says: /pg-2 reports 17\.5/ },
      {
        why: 'it is away',
        verdict: 'hold',
        view: sampleView({ 'pg-2': { reachable: known(false), version: known('17.10') } }),
        says: /does not answer/,
      },
      {
        why: 'it is dark',
        verdict: 'unknown',
        view: sampleView({ 'pg-2': { version: dark } }),
        says: /the version of pg-2 is unknown/,
      },
    ],
  },
  'caught-up': {
    gate: { gate: 'caught-up', node: 'pg-2' },
    required: /pg-2 follows the only primary in sync and lags at most 0 bytes/,
    cases: [
      { why: 'it follows with lag 0', verdict: 'pass', says: /pg-2 follows pg-1 in sync, lag 0 bytes/ },
      {
        why: 'it is the primary itself',
        verdict: 'pass',
        gate: { node: 'pg-1' },
        says: /pg-1 is the only primary/,
      },
      {
        why: 'it is one of two primaries',
        verdict: 'hold',
        gate: { node: 'pg-1' },
        view: sampleView({}, { primaries: ['pg-1', 'pg-2'] }),
        says: /no one primary to follow/,
      },
      {
        why: 'it lags one byte',
        verdict: 'hold',
        view: sampleView({ 'pg-2': { lag: known(1) } }),
        says: /pg-2 lags 1 bytes/,
      },
      {
        why: 'it is not in sync',
        verdict: 'hold',
        view: sampleView({ 'pg-2': { inSync: known(false) } }),
        says: /pg-2 is not in sync/,
      },
      {
        why: 'it follows another',
        verdict: 'hold',
        view: sampleView({ 'pg-2': { upstream: known('pg-3') } }),
        says: /pg-2 follows pg-3, not pg-1/,
      },
      {
        why: 'it follows nobody',
        verdict: 'hold',
        view: sampleView({ 'pg-2': { upstream: known(undefined) } }),
        says: /pg-2 follows no node, not pg-1/,
      },
      { why: 'it is away', verdict: 'hold', view: sampleView({ 'pg-2': away }), says: /does not answer/ },
      {
        why: 'there is no primary',
        verdict: 'hold',
        view: sampleView({}, { primaries: [] }),
        says: /no node of default takes writes/,
      },
      {
        why: 'upstream is dark',
        verdict: 'unknown',
        view: sampleView({ 'pg-2': { upstream: dark } }),
        says: /the node that pg-2 follows is unknown/,
      },
      {
        why: 'lag is dark',
        verdict: 'unknown',
        view: sampleView({ 'pg-2': { lag: dark } }),
        says: /lag of pg-2 is unknown/,
      },
      {
        why: 'sync is dark',
        verdict: 'unknown',
        view: sampleView({ 'pg-2': { inSync: dark } }),
        says: /in sync is unknown/,
      },
    ],
  },
  'soak-held': {
    gate: { gate: 'soak-held', node: 'pg-2', forMs: 10_000 },
    required: /pg-2 is healthy and in sync for 10000 ms without interruption/,
    cases: [
      {
        why: 'it has held',
        verdict: 'pass',
        ctx: { heldSince: { 'pg-2': at(50 - 10_000) } },
        says: /for 10000 ms/,
      },
      {
        why: 'not long enough',
        verdict: 'hold',
        ctx: { heldSince: { 'pg-2': at(51 - 10_000) } },
        says: /for 9999 ms/,
      },
      {
        why: 'it was interrupted',
        verdict: 'hold',
        ctx: { heldSince: { 'pg-1': at(-60_000) } },
        says: /has not been seen healthy/,
      },
      {
        why: 'there is no memory',
        verdict: 'hold',
        ctx: { heldSince: undefined },
        says: /has not been seen healthy/,
      },
      {
        why: 'it held in the future',
        verdict: 'hold',
        gate: { forMs: 0 },
        ctx: { heldSince: { 'pg-2': at(60_000) } },
        says: /for 0 ms/,
      },
      {
        why: 'it is out of sync now',
        verdict: 'hold',
        view: sampleView({ 'pg-2': { inSync: known(false) } }),
        says: /pg-2 is not in sync/,
      },
      {
        why: 'a primary is in sync by itself',
        verdict: 'pass',
        gate: { node: 'pg-1' },
        view: sampleView({ 'pg-1': { inSync: dark } }),
        says: /pg-1 has been healthy/,
      },
      {
        why: 'the time is none',
        verdict: 'unknown',
        ctx: { heldSince: { 'pg-2': 'a while' } },
        says: /which is no time/,
      },
      {
        why: 'its state is dark now',
        verdict: 'unknown',
        view: sampleView({ 'pg-2': { inSync: dark } }),
        says: /in sync is unknown/,
      },
    ],
  },
  'candidate-in-sync': {
    gate: {
      gate: 'candidate-in-sync',
      group: 'default',
      candidates: ['pg-2', 'pg-3'],
      maxLag: 100,
      version: '17.5',
    },
    required: /one of pg-2, pg-3 is a replica on 17\.5, in sync, and lags at most 100 bytes/,
    cases: [
      { why: 'both are ready', verdict: 'pass', says: /pg-2, pg-3 in sync on 17\.5/ },
      {
        why: 'one suffices',
        verdict: 'pass',
        view: sampleView({ 'pg-2': { inSync: known(false) } }),
        says: /^pg-3 in sync/,
      },
      {
        why: 'one that is known suffices',
        verdict: 'pass',
        view: sampleView({ 'pg-2': { reachable: dark } }),
        says: /^pg-3 in sync/,
      },
      {
        why: 'both lag',
        verdict: 'hold',
        view: sampleView({ 'pg-2': { lag: known(101) }, 'pg-3': { lag: known(102) } }),
        says: /pg-2 lags 101 bytes; pg-3 lags 102 bytes/,
      },
      {
        why: 'the only one is on another version',
        verdict: 'hold',
        gate: { version: '17.10' },
        says: /pg-2 reports 17\.5/,
      },
      {
        why: 'the only one is a learner',
        verdict: 'hold',
        gate: { candidates: ['pg-2'] },
        view: sampleView({ 'pg-2': { role: known('learner') } }),
        says: /pg-2 is a learner/,
      },
      {
        why: 'the only one is the primary',
        verdict: 'hold',
        gate: { candidates: ['pg-1'] },
        says: /pg-1 is a primary/,
      },
      {
        why: 'there is no candidate',
        verdict: 'hold',
        gate: { candidates: [] },
        says: /there is no candidate/,
      },
      {
        why: 'all are dark',
        verdict: 'unknown',
        view: sampleView({ 'pg-2': { lag: dark }, 'pg-3': { lag: dark } }),
        says: /the lag of pg-2 is unknown/,
      },
      {
        why: 'the candidate was not observed',
        verdict: 'unknown',
        gate: { candidates: ['pg-9'] },
        says: /pg-9 was not observed/,
      },
    ],
  },
  'candidate-at-fence': {
    gate: {
      gate: 'candidate-at-fence',
      group: 'default',
      candidates: ['pg-2', 'pg-3'],
      position: { offset: 1000, text: '0/3E8' },
    },
    required: /one of pg-2, pg-3 has applied exactly 0\/3E8/,
    cases: [
      { why: 'both are there', verdict: 'pass', says: /pg-2, pg-3 at exactly 0\/3E8/ },
      {
        why: 'one is there',
        verdict: 'pass',
        view: sampleView({ 'pg-2': { position: known({ offset: 999, text: '0/3E7' }) } }),
        says: /^pg-3 at exactly/,
      },
      {
        why: 'it is one short',
        verdict: 'hold',
        gate: { candidates: ['pg-2'] },
        view: sampleView({ 'pg-2': { position: known({ offset: 999, text: '0/3E7' }) } }),
        says: /pg-2 is at 0\/3E7/,
      },
      {
        why: 'it is beyond the fence',
        verdict: 'hold',
        gate: { candidates: ['pg-2'] },
        view: sampleView({ 'pg-2': { position: known({ offset: 1001, text: '0/3E9' }) } }),
        says: /pg-2 is at 0\/3E9/,
      },
      {
        why: 'it is away',
        verdict: 'hold',
        gate: { candidates: ['pg-2'] },
        view: sampleView({ 'pg-2': { reachable: known(false) } }),
        says: /does not answer/,
      },
      {
        why: 'its position is dark',
        verdict: 'unknown',
        gate: { candidates: ['pg-2'] },
        view: sampleView({ 'pg-2': { position: dark } }),
        says: /the position of pg-2 is unknown/,
      },
    ],
  },
  'epoch-grew': {
    gate: { gate: 'epoch-grew', group: 'default', node: 'pg-2', above: 3 },
    required: /pg-2 is the only primary of default, on an epoch above 3/,
    cases: [
      { why: 'it grew', verdict: 'pass', view: promoted, says: /pg-2 is the only primary, on epoch 4/ },
      {
        why: 'it has not grown',
        verdict: 'hold',
        gate: { above: 4 },
        view: promoted,
        says: /the epoch of default is 4/,
      },
      { why: 'the old one leads still', verdict: 'hold', says: /pg-1 takes writes, pg-2 should alone/ },
      {
        why: 'both lead',
        verdict: 'hold',
        view: sampleView({}, { primaries: ['pg-1', 'pg-2'], epoch: known(4) }),
        says: /at the same time, pg-2 should alone/,
      },
      {
        why: 'nobody leads',
        verdict: 'hold',
        view: sampleView({}, { primaries: [], epoch: known(4) }),
        says: /no node of default takes writes/,
      },
      {
        why: 'the epoch is dark',
        verdict: 'unknown',
        view: { ...promoted, groups: promoted.groups.map((g) => ({ ...g, epoch: dark })) },
        says: /the epoch of default is unknown/,
      },
    ],
  },
  'replicas-follow': {
    gate: { gate: 'replicas-follow', group: 'default', primary: 'pg-2', replicas: ['pg-3'] },
    required: /pg-3 answer and follow pg-2 on its epoch/,
    cases: [
      { why: 'they follow', verdict: 'pass', view: promoted, says: /pg-3 following pg-2 on epoch 4/ },
      {
        why: 'there is none',
        verdict: 'pass',
        gate: { replicas: [] },
        view: promoted,
        says: /no replica has to follow pg-2/,
      },
      {
        why: 'one follows the old',
        verdict: 'hold',
        view: withNode(promoted, 'pg-3', { upstream: known('pg-1') }),
        says: /pg-3 follows pg-1, not pg-2/,
      },
      {
        why: 'one is on the old epoch',
        verdict: 'hold',
        view: withNode(promoted, 'pg-3', { epoch: known(3) }),
        says: /pg-3 is on epoch 3, pg-2 on 4/,
      },
      {
        why: 'one is away',
        verdict: 'hold',
        view: withNode(promoted, 'pg-3', { reachable: known(false) }),
        says: /pg-3 does not answer/,
      },
      { why: 'another leads', verdict: 'hold', says: /pg-1 takes writes, pg-2 should alone/ },
      {
        why: 'the primary’s epoch is dark',
        verdict: 'unknown',
        view: withNode(promoted, 'pg-2', { epoch: dark }),
        says: /the epoch of pg-2 is unknown/,
      },
      {
        why: 'a replica’s epoch is dark',
        verdict: 'unknown',
        view: withNode(promoted, 'pg-3', { epoch: dark }),
        says: /the epoch of pg-3 is unknown/,
      },
      {
        why: 'a replica’s upstream is dark',
        verdict: 'unknown',
        view: withNode(promoted, 'pg-3', { upstream: dark }),
        says: /the node that pg-3 follows is unknown/,
      },
      {
        why: 'a replica was not observed',
        verdict: 'unknown',
        gate: { replicas: ['pg-3', 'pg-9'] },
        view: promoted,
        says: /pg-9 was not observed/,
      },
    ],
  },
  'all-on-target': {
    gate: {
      gate: 'all-on-target',
      group: 'default',
      versions: { 'pg-1': '17.5', 'pg-2': '17.5', 'pg-3': '17.5' },
    },
    required: /pg-1 reports 17\.5, pg-2 reports 17\.5/,
    cases: [
      { why: 'all are', verdict: 'pass', says: /pg-1, pg-2, pg-3 report their target/ },
      {
        why: 'one is not',
        verdict: 'hold',
        view: sampleView({ 'pg-3': { version: known('17.10') } }),
        says: /pg-3 reports 17\.10/,
      },
      {
        why: 'one has no target',
        verdict: 'hold',
        gate: { versions: { 'pg-1': '17.5', 'pg-2': '17.5' } },
        says: /pg-3 reports 17\.5/,
      },
      {
        why: 'one is dark',
        verdict: 'unknown',
        view: sampleView({ 'pg-3': { version: dark } }),
        says: /the version of pg-3 is unknown/,
      },
      {
        why: 'one was not observed',
        verdict: 'unknown',
        view: sampleView({}, { nodes: [node('pg-1'), node('pg-2')] }),
        says: /pg-3 not observed/,
      },
      {
        why: 'the one that is not is excepted',
        verdict: 'pass',
        gate: { except: ['pg-3'] },
        view: sampleView({ 'pg-3': { version: known('17.10') } }),
        says: /^pg-1, pg-2 report their target/,
      },
      {
        why: 'another than the excepted one is not',
        verdict: 'hold',
        gate: { except: ['pg-3'] },
        view: sampleView({ 'pg-2': { version: known('17.10') }, 'pg-3': { version: known('17.10') } }),
        says: /^pg-2 reports 17\.10$/,
      },
      {
        why: 'another than the excepted one is dark',
        verdict: 'unknown',
        gate: { except: ['pg-3'] },
        view: sampleView({ 'pg-2': { version: dark } }),
        says: /the version of pg-2 is unknown/,
      },
      {
        why: 'all are excepted: nobody is left to say it',
        verdict: 'unknown',
        gate: { except: ['pg-1', 'pg-2', 'pg-3'] },
        says: /no node of default was observed/,
      },
    ],
  },
  'node-level': {
    gate: { gate: 'node-level', node: 'pg-2', level: '3.5' },
    required: /pg-2 itself is on level 3\.5/,
    cases: [
      { why: 'it is', verdict: 'pass', view: leveledView(), says: /pg-2 is on level 3\.5/ },
      {
        why: 'the group is another matter',
        verdict: 'pass',
        view: leveledView({ group: { level: { active: known('3.6'), lowering: dark } } }),
        says: /pg-2 is on level 3\.5/,
      },
      {
        why: 'it has not followed the group yet',
        verdict: 'hold',
        view: leveledView({ changes: { 'pg-2': { level: known('3.6') } } }),
        says: /pg-2 is on level 3\.6/,
      },
      {
        why: 'it is away',
        verdict: 'hold',
        view: leveledView({ changes: { 'pg-2': { reachable: known(false) } } }),
        says: /pg-2 does not answer/,
      },
      {
        why: 'its level is dark',
        verdict: 'unknown',
        view: leveledView({ changes: { 'pg-2': { level: dark } } }),
        says: /the level of pg-2 is unknown: permission denied/,
      },
      { why: 'it tells none', verdict: 'unknown', view: sampleView(), says: /pg-2 tells no level/ },
    ],
  },
  'level-active': {
    gate: { gate: 'level-active', group: 'default', level: '3.5' },
    required: /default and every node of it are on level 3\.5, and no lowering is under way/,
    cases: [
      {
        why: 'all are',
        verdict: 'pass',
        view: leveledView(),
        says: /default and pg-1, pg-2, pg-3 are on level 3\.5/,
      },
      {
        why: 'the group is not',
        verdict: 'hold',
        view: leveledView({ group: { level: { active: known('3.6'), lowering: known(undefined) } } }),
        says: /default is on level 3\.6/,
      },
      {
        why: 'one node is not',
        verdict: 'hold',
        view: leveledView({ changes: { 'pg-3': { level: known('3.6') } } }),
        says: /^pg-3 is on level 3\.6$/,
      },
      {
        why: 'one node is away',
        verdict: 'hold',
        view: leveledView({ changes: { 'pg-3': { reachable: known(false) } } }),
        says: /pg-3 does not answer/,
      },
      {
        why: 'a lowering would take it back',
        verdict: 'hold',
        view: leveledView({ lowering: known('3.4') }),
        says: /default is being lowered to 3\.4/,
      },
      {
        why: 'a lowering to this very level has not ended',
        verdict: 'hold',
        view: leveledView({ lowering: known('3.5') }),
        says: /default is being lowered to 3\.5/,
      },
      {
        why: 'the level is dark',
        verdict: 'unknown',
        view: leveledView({ group: { level: { active: dark, lowering: known(undefined) } } }),
        says: /the level of default is unknown/,
      },
      {
        why: 'whether it is lowered is dark',
        verdict: 'unknown',
        view: leveledView({ lowering: dark }),
        says: /whether default is being lowered is unknown/,
      },
      {
        why: 'the level of a node is dark',
        verdict: 'unknown',
        view: leveledView({ changes: { 'pg-2': { level: dark } } }),
        says: /the level of pg-2 is unknown/,
      },
      { why: 'the group tells none', verdict: 'unknown', says: /the group default tells no level/ },
      {
        why: 'there is no node',
        verdict: 'unknown',
        view: leveledView({ group: { nodes: [] } }),
        says: /no node of default was observed/,
      },
    ],
  },
  'learner-caught-up': {
    gate: { gate: 'learner-caught-up', node: 'pg-3', maxLag: 100 },
    required: /pg-3 is a learner and lags at most 100 bytes/,
    cases: [
      {
        why: 'it is',
        verdict: 'pass',
        view: learning(),
        says: /pg-3 is a learner, at most 100 bytes behind/,
      },
      { why: 'by the last entry', verdict: 'pass', view: learning({ lag: known(100) }), says: /at most 100/ },
      { why: 'it lags', verdict: 'hold', view: learning({ lag: known(101) }), says: /pg-3 lags 101 bytes/ },
      { why: 'it has a vote', verdict: 'hold', says: /pg-3 is a replica/ },
      {
        why: 'it is away',
        verdict: 'hold',
        view: learning({ reachable: known(false) }),
        says: /pg-3 does not answer/,
      },
      { why: 'lag is dark', verdict: 'unknown', view: learning({ lag: dark }), says: /the lag of pg-3/ },
      { why: 'it is ahead', verdict: 'unknown', view: learning({ lag: known(-1) }), says: /no distance/ },
      {
        why: 'its role is dark',
        verdict: 'unknown',
        view: learning({ role: dark }),
        says: /the role of pg-3/,
      },
      {
        why: 'it was not observed',
        verdict: 'unknown',
        gate: { node: 'pg-9' },
        says: /pg-9 was not observed/,
      },
    ],
  },
};

function learning(change: Partial<ReturnType<typeof node>> = {}): ClusterView {
  return sampleView({ 'pg-3': { role: known('learner'), ...change } });
}

function withNode(view: ClusterView, id: string, change: Partial<ReturnType<typeof node>>): ClusterView {
  return {
    ...view,
    groups: view.groups.map((g) => ({
      ...g,
      nodes: g.nodes.map((n) => (n.id === id ? { ...n, ...change } : n)),
    })),
  };
}

const judge = (gate: Gate, view: ClusterView | undefined, ctx: Partial<GateContext> = {}): GateVerdict => {
  const [verdict] = evaluateGates([gate], view, { ...context, ...ctx });
  if (!verdict) throw new Error('no verdict');
  return verdict;
};

describe.each(Object.entries(gates))('R-ROLL-3: %s', (_name, { gate, required, cases }) => {
  it.each(cases)('$verdict: $why', ({ verdict, view, says, ctx, ...test }) => {
    const seen = judge({ ...gate, ...test.gate } as Gate, view ?? sampleView(), ctx);
    expect(seen.observed).toMatch(says);
    expect(seen.verdict).toBe(verdict);
  });

  it('has a case of each verdict, and says what it wants', () => {
    expect(new Set(cases.map((c) => c.verdict))).toEqual(new Set(['pass', 'hold', 'unknown']));
    expect(judge(gate, sampleView()).required).toMatch(required);
  });

  it.each([
    {
      why: 'no observation',
      view: undefined,
      ctx: { failure: 'no route to host' },
      says: /could not be observed: no route to host/,
    },
    { why: 'too old', view: sampleView(), ctx: { now: at(5001) }, says: /5001 ms old, at most 5000 ms/ },
    { why: 'from the future', view: sampleView(), ctx: { now: at(-5001) }, says: /5001 ms in the future/ },
    {
      why: 'without a time',
      view: sampleView({}, {}, { observedAt: 'soon' }),
      ctx: {},
      says: /no usable time/,
    },
    { why: 'without a limit', view: sampleView(), ctx: { maxAgeMs: Number.NaN }, says: /ms old/ },
  ])('never passes on an observation that is $why', ({ view, ctx, says }) => {
    for (const test of cases.filter((c) => c.verdict === 'pass')) {
      const base = view && { ...(test.view ?? view), observedAt: view.observedAt };
      const seen = judge({ ...gate, ...test.gate } as Gate, base, { ...test.ctx, ...ctx });
      expect(seen.verdict).toBe('unknown');
      expect(seen.observed).toMatch(says);
    }
  });
});

describe('R-ROLL-3: verdicts', () => {
  it('covers every gate of the contract', () => {
    const source = readFileSync(new URL('../../src/contracts/gate.ts', import.meta.url), 'utf8');
    const named = [...source.matchAll(/readonly gate: '([a-z-]+)'/g)].map((m) => m[1]);
    expect(named.length).toBeGreaterThan(10);
    expect(Object.keys(gates).sort()).toEqual([...new Set(named)].sort());
  });

  it('is one a gate, in order, with node and time', () => {
    const asked = Object.values(gates).map((g) => g.gate);
    const seen = evaluateGates(asked, sampleView(), context);
    expect(seen.map((v) => v.name)).toEqual(asked.map((g) => g.gate));
    expect(seen.map((v) => v.node)).toEqual(asked.map((g) => ('node' in g ? g.node : undefined)));
    expect(new Set(seen.map((v) => v.at))).toEqual(new Set([context.now]));
  });

  it('is fresh up to and including the limit, in both directions', () => {
    const gate = gates['node-healthy'].gate;
    expect(judge(gate, sampleView(), { now: at(5000) }).verdict).toBe('pass');
    expect(judge(gate, sampleView(), { now: at(-5000) }).verdict).toBe('pass');
    expect(judge(gate, sampleView(), { now: observedAt, maxAgeMs: 0 }).verdict).toBe('pass');
  });

  const verdict = (change: Partial<GateVerdict> = {}): GateVerdict => ({
    name: 'lag-zero',
    node: 'pg-2',
    verdict: 'pass',
    observed: 'pg-2 lags 0 bytes',
    required: 'pg-2 lags at most 0 bytes',
    at: observedAt,
    ...change,
  });

  it('all pass only if there are some and each does', () => {
    expect(allPass([verdict(), verdict()])).toBe(true);
    expect(allPass([])).toBe(false);
    expect(allPass([verdict(), verdict({ verdict: 'hold' })])).toBe(false);
    expect(allPass([verdict(), verdict({ verdict: 'unknown' })])).toBe(false);
  });

  it.each([
    { same: true, change: { observed: 'pg-2 lags 5 bytes', at: at(9) } },
    { same: false, change: { verdict: 'hold' } },
    { same: false, change: { node: 'pg-3' } },
    { same: false, change: { name: 'caught-up' } },
  ] as const)('are the same ($same) with $change', ({ same, change }) => {
    expect(sameVerdicts([verdict()], [verdict(change)])).toBe(same);
    expect(sameVerdicts([verdict()], [verdict(), verdict(change)])).toBe(false);
  });
});
