import { css } from '../markup.js';

/** The timeline, the handovers and their legends. */
export const charts = css`
  .chart {
    overflow-x: auto;
    margin: 0 -6px;
  }
  .chart:focus-visible {
    outline: 2px solid var(--accent);
    outline-offset: 2px;
  }
  .chart-inner {
    display: grid;
    min-width: 860px;
  }
  .chart-inner > * {
    grid-area: 1/1;
  }
  .chart-inner > svg {
    width: 100%;
    height: auto;
    display: block;
  }
  .chart-labels {
    position: sticky;
    left: 0;
    width: 7.4%;
    min-width: 76px;
    background: linear-gradient(90deg, var(--card) 86%, transparent);
    font-size: 12px;
    line-height: 1.25;
    pointer-events: none;
  }
  .chart-labels div {
    position: absolute;
    left: 6px;
    transform: translateY(-9px);
  }
  .chart-labels b {
    display: block;
    font-size: 13px;
  }
  .chart-labels span {
    color: var(--soft);
    font-size: 11px;
    display: block;
    max-width: 74px;
  }
  svg text {
    font:
      11.5px system-ui,
      -apple-system,
      'Segoe UI',
      Roboto,
      sans-serif;
    fill: var(--ink);
  }
  svg .tick,
  svg .note {
    fill: var(--soft);
    font-size: 11px;
  }
  svg .grid {
    stroke: var(--grid);
  }
  svg .lane {
    stroke: var(--line);
  }
  svg .floor {
    stroke: var(--grid);
  }
  .step rect {
    fill: var(--grid);
    stroke: var(--line);
  }
  .step.failed rect {
    stroke: var(--failed);
    fill: var(--bad-bg);
  }
  .step.running rect {
    stroke-dasharray: 4 3;
  }
  .span text {
    fill: var(--on-span);
    font-size: 11px;
  }
  .span.s-upgrading text,
  .span.s-failed text {
    fill: #fff;
  }
  .span.s-pending text {
    fill: var(--soft);
  }
  .span rect {
    stroke: var(--card);
    stroke-width: 0.7;
  }
  .s-pending rect {
    fill: var(--pending);
    opacity: 0.55;
  }
  .s-draining rect {
    fill: var(--draining);
  }
  .s-drained rect {
    fill: var(--drained);
  }
  .s-upgrading rect {
    fill: var(--upgrading);
  }
  .s-rejoining rect {
    fill: var(--rejoining);
  }
  .s-complete rect {
    fill: var(--complete);
  }
  .s-failed rect {
    fill: var(--failed);
  }
  .lag-area {
    fill: var(--lag);
    opacity: 0.18;
  }
  .lag-line {
    fill: none;
    stroke: var(--lag);
    stroke-width: 1.4;
  }
  .rate {
    fill: var(--rate);
  }
  .gap rect {
    fill: var(--failed);
    opacity: 0.85;
  }
  .gap text {
    fill: var(--bad);
    font-weight: 600;
  }
  .handover rect {
    fill: var(--band);
    opacity: 0.1;
  }
  .handover line {
    stroke: var(--band);
    stroke-width: 1.4;
  }
  .handover line.fence {
    stroke-dasharray: 2 2;
  }
  .handover text {
    fill: var(--accent);
    font-weight: 600;
  }
  .fault path {
    stroke: var(--bad);
    stroke-width: 2.4;
    fill: none;
  }
  .fault line {
    stroke: var(--bad);
    stroke-dasharray: 1 4;
  }
  .decision path {
    fill: var(--accent);
  }
  .failure path {
    fill: var(--bad);
  }
  .failure line {
    stroke: var(--bad);
  }
  .legend {
    list-style: none;
    display: flex;
    flex-wrap: wrap;
    gap: 4px 18px;
    margin: 12px 0 0;
    padding: 0;
    font-size: 12.5px;
    color: var(--soft);
  }
  .legend li {
    display: flex;
    align-items: center;
    gap: 6px;
  }
  .legend i {
    width: 14px;
    height: 10px;
    border-radius: 2px;
    display: inline-block;
  }
  .legend svg {
    width: 12px;
    height: 12px;
  }
  .l-lag {
    background: var(--lag);
    opacity: 0.5;
  }
  .l-gap {
    background: var(--failed);
  }
  .l-handover {
    background: var(--band);
    opacity: 0.35;
  }

  .handover-chart {
    width: 100%;
    height: 44px;
    display: block;
  }
  .p-ready rect {
    fill: var(--pending);
  }
  .p-fenced rect {
    fill: var(--draining);
  }
  .p-promoted rect {
    fill: var(--complete);
  }
  .pause rect {
    fill: var(--failed);
  }
  i.p-ready {
    background: var(--pending);
  }
  i.p-fenced {
    background: var(--draining);
  }
  i.p-promoted {
    background: var(--complete);
  }
  .legend b {
    color: var(--ink);
    font-weight: 600;
  }
`;
