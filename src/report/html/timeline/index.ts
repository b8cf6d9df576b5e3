import type { RunState } from '../../../contracts/index.js';
import { formatRole } from '../../format.js';
import type { Summary } from '../../summary-schema.js';
import { scaleUtc } from 'd3-scale';
import { width, left, right, laneHeight, stepsTop, lanesTop, writesHeight } from './geometry.js';
import type { Time } from './geometry.js';
import { axis } from './axis.js';
import { handoverBand } from './handover-band.js';
import { stepBar } from './step-bar.js';
import { lane } from './lane.js';
import { events } from './events.js';
import { migrationLaneHeight, migrationLanes } from './migration-lanes.js';
import { heightOf, milestonesLane, milestonesOf, placed } from './milestones.js';
import { writesLane } from './writes-lane.js';
import { html, type Markup } from '../markup.js';

/**
 * The whole run on one time axis: steps, one lane a node with its statuses and its lag (of a migration its phases and
 * the side that takes the writes), what clients could write, and the faults and decisions that happened meanwhile.
 */
export function timeline(summary: Summary, state: RunState): Markup {
  const end = summary.run.endedAt ?? summary.asOf;
  const scale = scaleUtc()
    .domain([
      Date.parse(summary.run.startedAt),
      Math.max(Date.parse(end), Date.parse(summary.run.startedAt) + 1000),
    ])
    .range([left, right]);
  const x: Time = (iso) => Math.min(right, Math.max(left, scale(Date.parse(iso))));
  const { migration } = summary;
  // The nodes of a migration are what they are throughout: its lanes are its phases and who takes the writes.
  const nodes = migration ? [] : summary.nodes;
  const lanesEnd = lanesTop + nodes.length * laneHeight + (migration ? 2 * migrationLaneHeight : 0);
  const milestones = placed(milestonesOf(summary), x);
  const milestonesTop = lanesEnd + 8;
  const eventsTop = milestones.length > 0 ? milestonesTop + heightOf(milestones) : lanesEnd + 6;
  const writesTop = eventsTop + 34;
  const bottom = writesTop + (state.writes ? writesHeight : 26);
  const height = bottom + 34;
  const maxLag = Math.max(1, ...state.samples.map((s) => s.lag));
  const labels = [
    { y: stepsTop + 13, name: 'steps', note: '' },
    ...nodes.map((n, i) => ({
      y: lanesTop + i * laneHeight + 18,
      name: n.id,
      note: formatRole(n),
    })),
    ...(migration
      ? [
          { y: lanesTop + 18, name: 'phases', note: '' },
          { y: lanesTop + migrationLaneHeight + 18, name: 'side', note: '' },
        ]
      : []),
    ...(milestones.length > 0 ? [{ y: milestonesTop + 10, name: milestonesName(summary), note: '' }] : []),
    { y: eventsTop + 14, name: 'events', note: '' },
    { y: writesTop + 14, name: 'writes', note: state.writes ? 'per second' : '' },
  ];
  return html`<div class="chart" role="region" aria-label="Timeline, can be scrolled sideways" tabindex="0">
    <div class="chart-inner">
      <svg
        viewBox="0 0 ${width} ${height}"
        role="img"
        aria-label="Timeline of the run: ${summary.nodes.map((n) => n.id).join(', ')}"
      >
        ${axis(scale, bottom)} ${summary.handovers.map((h) => handoverBand(h, x, end, bottom))}
        ${summary.steps.map((s) => stepBar(s, x, end))}
        ${nodes.map((n, i) => lane(state, n.id, { top: lanesTop + i * laneHeight, x, end, maxLag }))}
        ${migration && migrationLanes(migration, summary.run, { x, end, top: lanesTop })}
        ${milestones.length > 0 && milestonesLane(milestones, x, milestonesTop)}
        ${events(summary, x, eventsTop, bottom)} ${writesLane(summary, state, x, writesTop)}
      </svg>
      <div class="chart-labels" aria-hidden="true">
        ${labels.map(
          (l) =>
            html`<div style="top:${((l.y / height) * 100).toFixed(2)}%">
              <b>${l.name}</b>${l.note !== '' && html`<span>${l.note}</span>`}
            </div>`,
        )}
      </div>
    </div>
  </div>`;
}

function milestonesName({ seed, migration }: Summary): string {
  if (migration) return 'cuts';
  return seed === undefined ? 'level' : 'reached';
}
