import { css } from '../markup.js';

/** Sections, tiles, tables, chips and alarms. */
export const boxes = css`
  section {
    background: var(--card);
    border: 1px solid var(--line);
    border-radius: 12px;
    padding: 18px 20px;
    margin: 18px 0 0;
  }
  .figures {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(170px, 1fr));
    gap: 12px;
    background: none;
    border: 0;
    padding: 0;
  }
  .tile {
    background: var(--card);
    border: 1px solid var(--line);
    border-radius: 12px;
    padding: 14px 16px;
  }
  .tile p {
    margin: 0;
  }
  .tile .name {
    font-size: 13px;
    color: var(--soft);
  }
  .tile .value {
    font-size: 27px;
    line-height: 1.25;
    font-weight: 600;
    letter-spacing: -0.02em;
    white-space: nowrap;
  }
  .figures:has(.tile:nth-child(6)) .value {
    font-size: 24px;
  }
  .tile .note {
    font-size: 12.5px;
    color: var(--soft);
    overflow-wrap: anywhere;
  }
  .tile.good .value {
    color: var(--good);
  }
  .tile.bad {
    background: var(--bad-bg);
    border-color: var(--bad);
  }
  .tile.bad .value {
    color: var(--bad);
  }
  .alarm {
    background: var(--bad);
    border-color: var(--bad);
    color: var(--on-strong);
  }
  .alarm h2 {
    font-size: 24px;
    margin-bottom: 4px;
  }
  .alarm p {
    margin: 4px 0 0;
  }
  .failure-box {
    background: var(--bad-bg);
    border: 1px solid var(--bad);
    border-radius: 12px;
    padding: 14px 18px;
  }
  .failure-box h2,
  .failure-box h3 {
    color: var(--bad);
    margin-bottom: 4px;
  }
  .failure-box p {
    margin: 4px 0 0;
  }
  .failure-box ul {
    margin-bottom: 0;
  }
  div.failure-box {
    margin-top: 14px;
  }
  .notice {
    background: var(--warn-bg);
    border-color: var(--warn);
  }
  .notice p {
    margin: 0;
  }
  .scroll {
    overflow-x: auto;
  }
  table {
    border-collapse: collapse;
    width: 100%;
    font-size: 14px;
  }
  th {
    font-weight: 500;
    text-align: left;
    color: var(--soft);
    font-size: 12.5px;
    padding: 4px 16px 6px 0;
    border-bottom: 1px solid var(--line);
    white-space: nowrap;
  }
  td {
    padding: 7px 16px 7px 0;
    border-bottom: 1px solid var(--grid);
    vertical-align: top;
  }
  tr:last-child td {
    border-bottom: 0;
  }
  td {
    white-space: nowrap;
  }
  td.wide {
    white-space: normal;
    min-width: 150px;
    overflow-wrap: anywhere;
  }
  .chip {
    display: inline-block;
    padding: 0 9px;
    border-radius: 99px;
    font-size: 12.5px;
    line-height: 20px;
    background: var(--pending);
    white-space: nowrap;
  }
  .chip.s-draining,
  i.s-draining {
    background: var(--draining);
  }
  .chip.s-drained,
  i.s-drained {
    background: var(--drained);
  }
  .chip.s-upgrading,
  i.s-upgrading {
    background: var(--upgrading);
  }
  .chip.s-rejoining,
  i.s-rejoining {
    background: var(--rejoining);
  }
  .chip.s-complete,
  i.s-complete {
    background: var(--complete);
  }
  .chip.s-failed,
  i.s-failed {
    background: var(--failed);
  }
  i.s-pending {
    background: var(--pending);
  }
  .chip:where([class*=' s-']:not(.s-pending)),
  .chip.v-pass,
  .chip.h-done {
    color: var(--on-span);
  }
  .chip.s-upgrading,
  .chip.s-failed,
  .chip.v-hold,
  .chip.v-unknown,
  .chip.h-failed,
  .chip.h-restored {
    color: #fff;
  }
  .chip.v-pass,
  .chip.h-done {
    background: var(--complete);
  }
  .chip.v-hold,
  .chip.h-failed {
    background: #b3261e;
  }
  .chip.v-unknown,
  .chip.h-restored {
    background: #8a5a00;
  }
  .reason {
    color: var(--soft);
  }
  dl {
    display: flex;
    flex-wrap: wrap;
    gap: 10px 34px;
    margin: 10px 0 0;
  }
  dt {
    font-size: 12.5px;
    color: var(--soft);
  }
  dd {
    margin: 0;
    font-weight: 500;
    overflow-wrap: anywhere;
  }
  .facts {
    margin: 0 0 14px;
  }
  .card + .card {
    margin-top: 18px;
    padding-top: 16px;
    border-top: 1px solid var(--line);
  }
  .card h3 .chip {
    font-weight: 400;
    margin-left: 6px;
  }
  .limits ul {
    margin: 0;
    padding-left: 20px;
  }
  .limits li {
    margin: 4px 0;
  }
  summary {
    cursor: pointer;
    font-weight: 600;
  }
  details[open] > summary {
    margin-bottom: 10px;
  }
`;
