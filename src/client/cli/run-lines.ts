import {
  chaptersOf,
  clusterOfRun,
  type FormationState,
  type RunState,
  type SwitchRecord,
  type TimelineEvent,
} from '../../contracts/index.js';
import { stageText } from '../../planning/pipeline/standing.js';
import { migrationText } from './migration-lines.js';

/** The command that lets the step that waits begin. */
export function approveCommand(state: RunState): string | undefined {
  if (!state.waiting) return undefined;
  const hash = state.plan?.hash ?? '';
  return `rollgate approve ${clusterOfRun(state)} --step ${state.waiting.step} --plan-hash ${hash} --reason "..."`;
}

/** Everything that a run has told, of a pipeline that of its stages before as well. */
export const timelineOf = (state: RunState): TimelineEvent[] => chaptersOf(state).flatMap((c) => c.timeline);

export function eventLine(event: TimelineEvent): string {
  const place = [event.step, event.node].filter((p) => p !== undefined).join(' ');
  return `${event.at}  ${event.kind.padEnd(12)}  ${place === '' ? '' : `[${place}] `}${event.text}`;
}

/** One line on how a run stands or ended. */
export function outcomeLine(state: RunState): string {
  const { run, failure, formation, migration, spec, writes } = state;
  const parts = [`${run.cluster}: ${run.outcome === 'running' ? state.phase : run.outcome}`];
  const stage = stageText(state);
  if (stage !== undefined) parts.push(stage);
  if (formation) parts.push(formationText(formation));
  if (migration && spec.migration) parts.push(migrationText(migration, spec.migration));
  if (failure) parts.push(`${failure.code}: ${failure.message}`);
  if (writes) parts.push(writesText(writes));
  return parts.join('; ');
}

/** Where a run is going, in a few words. */
export function aimText({ direction, spec, migration }: RunState): string {
  if (spec.upgrade) return direction === 'forward' ? `to ${spec.upgrade.to}` : 'back to the former version';
  if (spec.migration) {
    const { source, destination } = spec.migration;
    if (direction === 'forward') return `migration to ${destination}`;
    return migration?.authority === 'destination'
      ? `back to ${source}`
      : `migration to ${destination} is taken back`;
  }
  const { seed } = spec.formation;
  return direction === 'forward' ? `a cluster from ${seed}` : `${seed} back to a standalone`;
}

export const formationText = ({ mode, checkpoint }: FormationState): string =>
  `mode ${mode}, checkpoint ${checkpoint === '' ? 'none' : checkpoint}`;

/** A version switch in one line. */
export function switchText({ from, to, how, predicates, clearedAt, at, nodesAtLevel }: SwitchRecord): string {
  const stands =
    at !== undefined
      ? `every node on it since ${at}`
      : clearedAt !== undefined
        ? `cleared at ${clearedAt}${nodesAtLevel.length > 0 ? `, on it: ${nodesAtLevel.join(', ')}` : ''}`
        : `not cleared yet${predicates.length > 0 ? `, true so far: ${predicates.map((p) => p.name).join(', ')}` : ''}`;
  return `switch ${from} → ${to} (${how}): ${stands}`;
}

export function writesText(writes: NonNullable<RunState['writes']>): string {
  const gap = writes.writeGaps[0]?.ms;
  const dark = (writes.unobserved ?? []).reduce((sum, g) => sum + g.ms, 0);
  return `writes acknowledged ${writes.acknowledged}, lost ${writes.lost}, unknown ${writes.unknown}, longest gap ${gap === undefined ? 'none' : `${gap} ms`}${dark > 0 ? `, NOT OBSERVED for ${dark} ms` : ''}`;
}

/**
 * Tells each event of a timeline once. Long timelines are thinned in their middle, so events are told by what they
 * say, not by their number.
 */
export function createEventTeller(): (timeline: readonly TimelineEvent[]) => TimelineEvent[] {
  const told = new Map<string, number>();
  return (timeline) => {
    const seen = new Map<string, number>();
    return timeline.filter((event) => {
      const key = JSON.stringify([event.at, event.kind, event.step, event.node, event.text]);
      const nth = (seen.get(key) ?? 0) + 1;
      seen.set(key, nth);
      if (nth <= (told.get(key) ?? 0)) return false;
      told.set(key, nth);
      return true;
    });
  };
}
