import type { Side } from '../contracts/index.js';
import { betweenSteps } from './during.js';
import type { Summary } from './summary-schema.js';

/** `312 ms`, `14.2 s`, `3 min 5 s`, `2 h 4 min`. */
export function formatMs(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

export const formatCount = (n: number): string => String(n).replaceAll(/\B(?=(\d{3})+(?!\d))/g, ' ');

/** `2026-11-21 03:52:11` in UTC. */
export const formatTime = (iso: string): string => iso.slice(0, 19).replace('T', ' ');

/** `2026-11-21 03:52:11 – 03:53:02`, with the second day only where it is another. */
export function formatSpan(from: string, to: string): string {
  const sameDay = from.slice(0, 10) === to.slice(0, 10);
  return `${formatTime(from)} – ${sameDay ? to.slice(11, 19) : formatTime(to)}`;
}

/** `03:52:11.482` in UTC. */
export const formatClock = (iso: string): string => iso.slice(11, 23);

/** `812 B`, `236.0 KiB`, `1.4 GiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const power = Math.min(4, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(1)} ${['KiB', 'MiB', 'GiB', 'TiB'][power - 1] ?? ''}`;
}

/** A setting's value as it can be read: an empty one is seen. */
export const formatValue = (value: string): string => (value === '' ? '(empty)' : value);

export const msBetween = (from: string, to: string): number => Math.max(0, Date.parse(to) - Date.parse(from));

/** `during handover/default`, `between steps`. */
export const formatDuring = (step: string | null): string =>
  step === null || step === betweenSteps ? betweenSteps : `during ${step}`;

/** `17.5 → 17.10`, the way the run really went; one version where it never was to change. */
export function formatWay(node: Summary['nodes'][number], direction: Summary['direction']): string {
  if (node.from === node.to) return node.to;
  if (direction === 'forward') return `${node.from} → ${node.to}`;
  return node.swappedAt === undefined ? `stayed on ${node.from}` : `back to ${node.from}`;
}

/** `primary → replica`. A node that was no member, and that nobody has touched, is none still. */
export function formatRole(node: Summary['nodes'][number]): string {
  const { roleBefore, roleAfter } = node;
  const untouched = roleBefore === 'none' && roleAfter === 'unknown' && node.startedAt === undefined;
  return untouched || roleAfter === roleBefore ? roleBefore : `${roleBefore} → ${roleAfter}`;
}

/**
 * `17.5 → 17.10`: every version the nodes came from and the one to reach; `3.6.16, a cluster from etcd-1`;
 * `17.10 → 18.4 on orders-18`.
 */
export function formatAim(summary: Summary): string {
  const { seed, run, direction, migration } = summary;
  if (migration) {
    const versions = (['source', 'destination'] as const).map((side) => versionsOn(side, summary));
    return versions.includes('')
      ? `to ${migration.destination}`
      : `${versions.join(' → ')} on ${migration.destination}`;
  }
  if (seed !== undefined) {
    const way = direction === 'forward' ? `a cluster from ${seed}` : `${seed} back to a standalone`;
    return `${run.target}, ${way}`;
  }
  const from = [...new Set(summary.nodes.map((n) => n.from))].filter((v) => v !== summary.run.target);
  return from.length === 0 ? summary.run.target : `${from.join(', ')} → ${summary.run.target}`;
}

/** What the nodes of a side run. */
const versionsOn = (side: Side, { nodes }: Summary): string =>
  [...new Set(nodes.filter((n) => n.roleBefore === side).map((n) => n.from))].join(', ');

/** `yes, 31 204 operations on 3 registers`, `VIOLATED, …` with what no order explains, `not checked: …`. */
export function formatLinearizability(
  checked: NonNullable<NonNullable<Summary['writes']>['linearizability']>,
): string {
  const reason = checked.reason === undefined ? '' : `: ${checked.reason}`;
  const amount = `${formatAmount(checked.operations, 'operation')} on ${formatAmount(checked.registers, 'register')}`;
  switch (checked.verdict) {
    case 'linearizable':
      return `yes, ${amount}`;
    case 'violated':
      return `VIOLATED, ${amount}${reason}`;
    case 'unchecked':
      return `not checked${reason}`;
  }
}

export const formatAmount = (n: number, of: string): string => `${formatCount(n)} ${of}${n === 1 ? '' : 's'}`;

/** Why there are no figures on writes, in one sentence. */
export function whyNotMeasured(measurement: Summary['measurement']): string {
  switch (measurement) {
    case 'measured':
      return 'measured';
    case 'pending':
      return 'not measured yet: the write ledger is read back when the run ends';
    case 'off':
      return 'not measured: no probe ran, so nothing is said about lost writes or gaps';
    case 'missing':
      return 'not measured: there is no write ledger of this run, so nothing is said about lost writes or gaps';
  }
}

/** How a level came to change, in a few words. */
export const switchWords: Readonly<Record<Summary['switches'][number]['how'], string>> = {
  'by-last-node': 'raised by the last node',
  lower: 'lowered by command',
  cancel: 'lowering withdrawn',
};

/** `3.5 → 3.6`, with its group where there are several. */
export function formatLevels(s: Summary['switches'][number], summary: Summary): string {
  const several = new Set(summary.nodes.map((n) => n.group)).size > 1;
  return `${s.from} → ${s.to}${several ? ` of ${s.group}` : ''}`;
}

/** `reached`, `cleared`, `not cleared`. */
export function switchStage(s: Summary['switches'][number]): 'reached' | 'cleared' | 'not cleared' {
  if (s.at !== undefined) return 'reached';
  return s.clearedAt === undefined ? 'not cleared' : 'cleared';
}
