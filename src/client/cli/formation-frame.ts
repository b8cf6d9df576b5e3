import { columns } from './columns.js';
import type { FormationStatus, MemberStatus, StandaloneStatus } from './formation-status.js';
import type { Paint } from './paint.js';
import { runFrame } from './run-frame.js';

/** Where a formation stands, as text: what `form status` prints. */
export function formationFrame(status: FormationStatus, paint: Paint): string {
  const sections = [
    head(status, paint),
    status.standalone ? standalone(status.standalone) : [],
    cluster(status, paint),
    status.obstacles.flatMap((o) => [
      paint('yellow', `${o.code}${o.node === undefined ? '' : ` (${o.node})`}: ${o.message}`),
      `  remedy: ${o.remedy}`,
    ]),
    status.unknown.map((u) => paint('yellow', `not known: ${u.what}: ${u.reason}`)),
    status.run ? [runFrame(status.run, paint)] : [],
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function head(status: FormationStatus, paint: Paint): string[] {
  const { cluster: name, system, formation, seed, checkpoint, checkpointAt, checkpointRun } = status;
  const after = status.run ? ' (once the run in progress is over)' : '';
  return [
    paint('bold', `${name}: ${system} a cluster from ${seed} (${formation})`),
    `mode        ${paint(status.mode === 'cluster' ? 'green' : status.mode === 'unknown' ? 'red' : 'cyan', status.mode)}`,
    `checkpoint  ${checkpoint === null ? 'none' : `${checkpoint}, reached ${checkpointAt ?? ''} by run ${checkpointRun ?? ''}`}`,
    ...(status.resumeHint === null ? [] : [`go on       ${status.resumeHint}${after}`]),
  ];
}

function standalone(s: StandaloneStatus): string[] {
  const facts = [
    yes(s.running, 'runs', 'is stopped'),
    `of ${s.series ?? '?'}`,
    yes(s.coherent, 'whole', 'NOT whole'),
    `names the members ${s.members?.join(', ') ?? '?'}`,
    `${s.bytes ?? '?'} bytes, ${s.freeBytes ?? '?'} free on its disk`,
    ...(s.content === null ? [] : [`holds ${s.content}`]),
  ];
  return [`data        ${facts.join('; ')}`];
}

function cluster(status: FormationStatus, paint: Paint): string[] {
  const { leader, term, members, outside } = status;
  if (status.mode !== 'cluster' && members === null) return outside.map(outsideLine);
  const rows = members?.map(memberRow) ?? [];
  const [title = '', ...lines] = columns(
    ['member', 'node', 'hosted', 'role', 'started', 'applied index'],
    rows,
  );
  return [
    `leader      ${leader ?? 'unknown'}, term ${term ?? 'unknown'}`,
    ...(members === null ? [] : [paint('dim', title), ...lines]),
    ...outside.map(outsideLine),
  ];
}

const memberRow = (m: MemberStatus): string[] => [
  m.id,
  m.node ?? '-',
  m.hosted ? 'yes' : 'no',
  m.leads ? 'leader' : m.role,
  m.started ? 'yes' : 'no',
  m.appliedIndex === null ? 'unknown' : String(m.appliedIndex),
];

const outsideLine = ({ node, empty }: FormationStatus['outside'][number]): string =>
  `${node} is no member; its data directory is ${yes(empty, 'empty', 'not empty')}`;

const yes = (fact: boolean | null, whenTrue: string, whenFalse: string): string =>
  fact === null ? `unknown whether ${whenTrue}` : fact ? whenTrue : whenFalse;
