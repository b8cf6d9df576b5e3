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

/** A setting's value as it can be read: an empty one is seen. */
export const formatValue = (value: string): string => (value === '' ? '(empty)' : value);

export const msBetween = (from: string, to: string): number => Math.max(0, Date.parse(to) - Date.parse(from));

/** `during handover/default`, `between steps`. */
export const formatDuring = (step: string | null): string =>
  step === null || step === betweenSteps ? betweenSteps : `during ${step}`;

/** `17.5 → 17.10`, the way the run really went. */
export function formatWay(node: Summary['nodes'][number], direction: Summary['direction']): string {
  if (direction === 'forward') return node.from === node.to ? node.to : `${node.from} → ${node.to}`;
  return node.swappedAt === undefined ? `stayed on ${node.from}` : `back to ${node.from}`;
}

export const formatRole = (node: Summary['nodes'][number]): string =>
  node.roleAfter === node.roleBefore ? node.roleBefore : `${node.roleBefore} → ${node.roleAfter}`;

/** Every version the nodes came from and the one they were to reach. */
export function formatVersions(summary: Summary): string {
  const from = [...new Set(summary.nodes.map((n) => n.from))].filter((v) => v !== summary.run.target);
  return from.length === 0 ? summary.run.target : `${from.join(', ')} → ${summary.run.target}`;
}

/** Why there are no figures on writes, in one sentence. */
export function whyNotMeasured(measurement: Summary['measurement']): string {
  switch (measurement) {
    case 'measured':
      return 'measured';
    case 'pending':
      return 'not measured yet: the write ledger is read back when the run ends';
    case 'off':
      return 'not measured: the probe was off, so nothing is said about lost writes or gaps';
    case 'missing':
      return 'not measured: there is no write ledger of this run, so nothing is said about lost writes or gaps';
  }
}
