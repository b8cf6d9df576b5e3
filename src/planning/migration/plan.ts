import { reverseAsynchronous } from '../../contracts/loss-window.js';
import type { MigrationView, Pair, Side } from '../../contracts/migration.js';
import type { Plan, PlanNode, PlanStep, Refusal } from '../../contracts/plan.js';
import type { ClusterSpec, StorageMigrationSpec } from '../../contracts/spec.js';
import type { Obstacle } from '../../contracts/view.js';
import { duration } from '../plan/duration.js';
import { decidedSteps, hashOf } from '../plan/hash.js';
import { withoutAccepted } from './accepted.js';
import { comparisonStands } from './moment.js';

export interface MigrationPlanInput {
  readonly pair: Pair;
  readonly migration: StorageMigrationSpec;
  /** `undefined`: the system has no migration. */
  readonly view: MigrationView | undefined;
  /** What forbids any run on either cluster, from an observation of it. */
  readonly obstacles: readonly Obstacle[];
  /** ISO 8601. */
  readonly observedAt: string;
  readonly digest: (text: string) => string;
}

/** What a migration would do, in order, or why it is refused. Read-only and pure. */
export function planMigration(input: MigrationPlanInput): Plan {
  const { pair, migration, view } = input;
  const refusals = refusalsOf(input);
  const kind = refusals.length > 0 ? 'refused' : 'possible';
  const steps = kind === 'possible' ? stepsOf(input) : [];
  const nodes = [...nodesOf(pair, 'source', view), ...nodesOf(pair, 'destination', view)];
  const windows = migration.observe.synchronousReverse
    ? []
    : [
        {
          name: reverseAsynchronous,
          risk: 'if the destination is lost for good after the cutover, writes that it had confirmed and not yet sent to the source are lost; how many is measured and told',
        },
      ];
  const decided = {
    pair: { source: decidedOf(pair.source), destination: decidedOf(pair.destination) },
    migration,
    kind,
    versions: view?.versions,
    steps: decidedSteps(steps),
    refusals: refusals.map((r) => `${r.code} ${r.node ?? ''}`).sort(),
  };
  return {
    kind,
    hash: hashOf(decided, input.digest),
    cluster: pair.source.name,
    system: pair.source.system,
    target: `${pair.destination.name}${view ? ` (${view.versions.destination})` : ''}`,
    nodes,
    steps,
    refusals,
    windows,
    notes: view ? notesOf(view, migration) : [],
    pointOfNoReturn: kind === 'possible' ? 'accept' : undefined,
    observedAt: input.observedAt,
  };
}

const decidedOf = ({ name, system, settings, nodes }: ClusterSpec): object => ({
  name,
  system,
  settings,
  nodes: [...nodes].sort((a, b) => (a.id < b.id ? -1 : 1)),
});

/** Software stays where it is: the data moves. */
const nodesOf = (pair: Pair, side: Side, view: MigrationView | undefined): PlanNode[] => {
  const runs = view?.versions[side] ?? '';
  return pair[side].nodes.map(({ id, group }) => ({ id, group, role: side, from: runs, to: runs }));
};

function refusalsOf({ pair, migration, view, obstacles }: MigrationPlanInput): Refusal[] {
  const { source, destination } = pair;
  const shared = source.nodes.map((n) => n.id).filter((id) => destination.nodes.some((n) => n.id === id));
  const refusals: Refusal[] = [];
  if (source.system !== destination.system || !view) {
    refusals.push({
      code: 'NO_MIGRATION',
      message: `${source.name} is ${source.system}, ${destination.name} is ${destination.system}: a storage migration needs both of one system that has it`,
      remedy: 'Systems with a storage migration: postgres.',
    });
  }
  if (source.name === destination.name || shared.length > 0) {
    refusals.push({
      code: 'SAME_NODES',
      message:
        shared.length > 0
          ? `${shared.join(', ')} would be nodes of both ${source.name} and ${destination.name}`
          : `source and destination are both ${source.name}`,
      remedy: 'Give every node of the destination a name, an address and storage of its own.',
    });
  }
  if (!migration.observe.synchronousReverse && !migration.accept.includes(reverseAsynchronous)) {
    refusals.push({
      code: 'WINDOW_NOT_ACCEPTED',
      message: `observe.synchronousReverse is false: the window ${reverseAsynchronous} would be open until the acceptance`,
      remedy: `Set observe.synchronousReverse to true, or accept the window by adding ${reverseAsynchronous} to accept.`,
      acceptAs: reverseAsynchronous,
    });
  }
  refusals.push(...withoutAccepted([...(view?.obstacles ?? []), ...obstacles], migration));
  const left = [...(view?.residue.source ?? []), ...(view?.residue.destination ?? [])];
  if (left.length > 0) {
    refusals.push({
      code: 'LEFT_OVER',
      message: `objects of an earlier migration are still there: ${[...new Set(left)].slice(0, 10).join(', ')}`,
      remedy: `Remove them with rollgate migrate discard, once no run of ${source.name} needs them.`,
    });
  }
  return [...refusals, ...unknownApprovals(migration)];
}

const approvable = [
  'start',
  'prepare',
  'export',
  'bootstrap',
  'validate/export',
  'dual-write',
  'validate/cutover',
  'cutover',
  'observe',
  'accept',
];

const unknownApprovals = ({ approvals }: StorageMigrationSpec): Refusal[] =>
  approvals.before
    .filter((name) => !approvable.includes(name))
    .map((name) => ({
      code: 'UNKNOWN_STEP',
      message: `approvals.before names ${name}, which is no step of a migration`,
      remedy: `Use some of ${approvable.join(', ')}; or leave it out.`,
    }));

type Draft = Omit<PlanStep, 'approval' | 'action'>;

function stepsOf({ pair, migration }: MigrationPlanInput): PlanStep[] {
  const { cutover, observe, approvals, probe, copy, validation } = migration;
  const [a, b] = [pair.source.name, pair.destination.name];
  const pause = duration(cutover.maxWritePause);
  const drafts: Draft[] = [
    {
      id: 'prepare',
      title: 'Prepare',
      reversibility: 'free',
      gates: [],
      effects: [
        'creates scratch objects of its own on the source, for the write ledger',
        probe.enabled
          ? `starts the probe: ${probe.writers === 1 ? '1 writer' : `${probe.writers} writers`}, one write each every ${duration(probe.interval)}; it follows the writes to ${b} and back`
          : 'starts no probe: nothing will be proven about the writes of clients',
        'makes its own bookkeeping on both sides; changes of definitions (DDL) are refused on the source from here on',
      ],
    },
    {
      id: 'export',
      title: `Export ${a} at a cut`,
      reversibility: 'free',
      gates: [],
      effects: [
        `from here on ${a} keeps every change for ${b}, and holds a snapshot of everything before`,
        `copies roles and definitions to ${b}; nobody may log in there yet`,
      ],
    },
    {
      id: 'bootstrap',
      title: `Copy to ${b}`,
      reversibility: 'free',
      gates: [],
      effects: [
        `copies every row as it was at the export, ${copy.streams} ranges at once; after a crash it goes on at the range where it stopped`,
        'builds keys, indexes and constraints, and gathers statistics',
      ],
    },
    {
      id: 'validate/export',
      title: 'Compare both copies at the export',
      reversibility: 'free',
      gates: ['copies-equal'],
      effects: [`compares every row, ${validation.streams} ranges of each side at once; nobody waits`],
    },
    {
      id: 'dual-write',
      title: `Let the changes of ${a} flow to ${b}`,
      reversibility: 'free',
      gates: ['stream-caught-up'],
      effects: [`every change since the export is applied on ${b}, until it has caught up`],
    },
    {
      id: 'validate/cutover',
      title: 'Compare both copies at one cut',
      reversibility: 'free',
      gates: ['no-obstacles', 'definitions-equal', 'copies-equal'],
      effects: [
        'looks again for what forbids a migration, and compares every definition',
        `makes a cut under load: writers wait up to ${pause}, usually some milliseconds`,
        'compares every row at that cut',
      ],
    },
    {
      id: 'cutover',
      title: `Let ${b} take the writes`,
      reversibility: 'cut-back',
      gates: ['no-obstacles', 'definitions-equal', 'stream-caught-up', 'replicas-follow'],
      effects: [
        `compares every row again, if that was done more than ${duration(comparisonStands)} before; looks again for what forbids it`,
        `starts the way back first: what ${b} will be told flows to ${a}${observe.synchronousReverse ? `, and ${b} confirms a write when ${a} has it too` : ''}`,
        ...(cutover.window ? [`waits for the hours ${cutover.window.from}–${cutover.window.to} UTC`] : []),
        `closes ${a} for everybody but rollgate; writers wait up to ${pause}, or ${a} is opened again`,
        `carries sequences over and opens ${b} in one commit: clients must connect to ${b} themselves`,
      ],
    },
    {
      id: 'observe',
      title: `Observe ${b}`,
      reversibility: 'cut-back',
      gates: ['copies-equal'],
      effects: [
        'compares every row of both copies as they were at the cutover',
        `for ${duration(observe.for)} ${b} takes the writes and ${a} is kept current: a rollback cuts back without losing a write`,
        'tells what a cut-back could not carry, if anything comes up',
      ],
    },
    {
      id: 'accept',
      title: `Accept ${b}, retire ${a}`,
      reversibility: 'none',
      gates: [],
      effects: [
        `ends the way back and removes everything of the migration from both sides`,
        `${a} stays closed, with its data, for you to remove`,
      ],
    },
    {
      id: 'finish',
      title: 'Finish',
      reversibility: 'free',
      gates: [],
      effects: [
        ...(probe.enabled ? ['stops the probe, and reads every write it had acknowledged back'] : []),
        'removes what it had created, and writes summary and report',
      ],
    },
  ];
  const asked = new Set([
    ...approvals.before,
    ...(cutover.approval ? ['cutover'] : []),
    ...(observe.acceptance ? ['accept'] : []),
  ]);
  return drafts.map((draft, i) => ({
    ...draft,
    action: { kind: 'migrate', step: draft.id },
    approval: asked.has(draft.id) || (i === 0 && asked.has('start')),
  }));
}

function notesOf(view: MigrationView, { cutover }: StorageMigrationSpec): string[] {
  const bytes = view.tables.reduce((n, t) => n + t.bytes, 0);
  return [
    `${view.tables.length} tables, ${Math.round(bytes / 1024 ** 2)} MiB, ${view.sequences} sequences: ${view.versions.source} → ${view.versions.destination}`,
    'changes of definitions (DDL) are refused on the source until the end of the migration',
    `writers wait at each cut and at the cutover, at most ${duration(cutover.maxWritePause)} each`,
  ];
}
