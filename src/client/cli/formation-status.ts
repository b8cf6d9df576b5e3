import {
  known,
  unknown,
  type ClusterFormationSpec,
  type ClusterSpec,
  type DataMode,
  type FormationView,
  type Member,
  type NodeId,
  type Obstacle,
  type Observed,
  type RunState,
} from '../../contracts/index.js';
import { stateWithFiles, withFiles, type NamedFiles } from './named-files.js';

/** A member of the new cluster, hosted by a node of the cluster file or not. */
export interface MemberStatus {
  readonly id: string;
  readonly node: NodeId | null;
  readonly hosted: boolean;
  readonly role: Member['role'];
  readonly leads: boolean;
  readonly started: boolean;
  readonly appliedIndex: number | null;
}

/** What lies in the seed's data directory as long as it is no member. */
export interface StandaloneStatus {
  readonly running: boolean | null;
  readonly series: string | null;
  readonly members: readonly string[] | null;
  readonly coherent: boolean | null;
  readonly bytes: number | null;
  readonly freeBytes: number | null;
  readonly content: string | null;
}

/** What `form status` prints. `null`: not there, or not known; then `unknown` says why. */
export interface FormationStatus {
  readonly cluster: string;
  readonly system: string;
  readonly formation: string;
  readonly seed: NodeId;
  readonly mode: DataMode | 'unknown';
  readonly checkpoint: string | null;
  /** When the checkpoint was reached, ISO 8601, and in which run. */
  readonly checkpointAt: string | null;
  readonly checkpointRun: string | null;
  /** The command that goes on from here. */
  readonly resumeHint: string | null;
  readonly standalone: StandaloneStatus | null;
  readonly leader: NodeId | null;
  readonly term: number | null;
  readonly members: readonly MemberStatus[] | null;
  /** Nodes of `expand` that are no members, and whether their data directory is empty. */
  readonly outside: readonly { readonly node: NodeId; readonly empty: boolean | null }[];
  readonly obstacles: readonly Obstacle[];
  readonly unknown: readonly { readonly what: string; readonly reason: string }[];
  /** The run in progress. */
  readonly run: RunState | null;
}

export type RunLook = Observed<RunState | undefined>;

/** What was seen, for people and programs alike; pure. */
export function formationStatus(seen: {
  readonly cluster: ClusterSpec;
  readonly formation: ClusterFormationSpec;
  readonly view: FormationView;
  readonly look: RunLook;
  readonly files: NamedFiles;
}): FormationStatus {
  const { cluster, formation, view, look, files } = seen;
  const dark: { what: string; reason: string }[] = [];
  const read = <T>(what: string, fact: Observed<T>): T | null => {
    if (fact.kind === 'known') return fact.value;
    dark.push({ what, reason: fact.reason });
    return null;
  };
  const record = read('mode', view.mode);
  const leader = view.view ? read('leader', leaderOf(view)) : null;
  const term = view.view?.groups[0];
  const listed = view.members ? read('members', view.members) : null;
  const run = read('the run in progress', look);
  return {
    cluster: cluster.name,
    system: cluster.system,
    formation: formation.name,
    seed: formation.seed,
    mode: view.mode.kind === 'unknown' ? 'unknown' : (record?.mode ?? 'standalone'),
    checkpoint: record?.checkpoint ?? null,
    checkpointAt: record?.at ?? null,
    checkpointRun: record?.runId ?? null,
    resumeHint:
      view.mode.kind === 'unknown'
        ? null
        : withFiles(record?.resumeHint ?? 'rollgate form init -f FILE', files),
    standalone: view.standalone
      ? {
          running: read('whether the standalone runs', view.standalone.running),
          series: read('the version of its data', view.standalone.series),
          members: read('the members that its data names', view.standalone.members),
          coherent: read('whether its data is whole', view.standalone.coherent),
          bytes: read('its size', view.standalone.bytes),
          freeBytes: read('the space on its disk', view.standalone.freeBytes),
          content: read('what it holds', view.standalone.content),
        }
      : null,
    leader,
    term: term ? read('term', term.epoch) : null,
    members:
      listed?.map((member) => ({
        id: member.id,
        node: member.node ?? null,
        hosted: member.node !== undefined,
        role: member.role,
        leads: member.node !== undefined && member.node === leader,
        started: member.started,
        appliedIndex: read(`applied index of ${member.node ?? member.id}`, appliedBy(view, member)),
      })) ?? null,
    outside: Object.entries(view.empty)
      .filter(([node]) => listed?.some((m) => m.node === node) !== true)
      .map(([node, empty]) => ({
        node,
        empty: read(`whether the data directory of ${node} is empty`, empty),
      })),
    obstacles: view.view?.obstacles ?? [],
    unknown: dark,
    run: run ? stateWithFiles(run, files) : null,
  };
}

/** Whether the status says what it is asked for: the mode, and of a cluster its members and who leads. */
export const isLearned = ({ mode, members, leader }: FormationStatus): boolean =>
  mode !== 'unknown' && (mode !== 'cluster' || (members !== null && leader !== null));

function leaderOf({ view }: FormationView): Observed<NodeId> {
  const [leads, ...others] = view?.groups[0]?.primaries ?? [];
  if (leads === undefined) {
    return unknown('no member that is a node of the file says that it leads');
  }
  return others.length === 0
    ? known(leads)
    : unknown(`several say that they lead: ${[leads, ...others].join(', ')}`);
}

function appliedBy({ view }: FormationView, member: Member): Observed<number> {
  if (member.node === undefined) {
    return unknown('it is no node of the cluster file, so it is not asked');
  }
  const node = view?.groups.flatMap((g) => g.nodes).find((n) => n.id === member.node);
  if (!node) return unknown('it was not asked');
  return node.position.kind === 'known' ? known(node.position.value.offset) : node.position;
}
