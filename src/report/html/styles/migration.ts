import { css } from '../markup.js';

/** The phases of a migration, and the side that takes the writes. */
export const migration = css`
  .m-preflight,
  .m-discarded {
    --phase: var(--pending);
  }
  .m-exporting,
  .m-bootstrapping {
    --phase: var(--upgrading);
  }
  .m-validating-export,
  .m-validating-cutover {
    --phase: var(--lag);
  }
  .m-dual-writing {
    --phase: var(--rejoining);
  }
  .m-awaiting-approval {
    --phase: var(--draining);
  }
  .m-cutting-over {
    --phase: var(--milestone);
  }
  .m-observing {
    --phase: var(--rate);
  }
  .m-cut-back {
    --phase: var(--drained);
  }
  .m-accepted {
    --phase: var(--complete);
  }
  .chip:where([class*=' m-']) {
    background: var(--phase);
    color: var(--on-span);
  }
  .chip.m-preflight,
  .chip.m-discarded {
    color: var(--ink);
  }
  .chip.m-exporting,
  .chip.m-bootstrapping,
  .chip.m-validating-export,
  .chip.m-validating-cutover,
  .chip.m-cutting-over {
    color: #fff;
  }
  .span:where([class*=' m-']) rect {
    fill: var(--phase);
  }
  .span.m-preflight text,
  .span.m-discarded text {
    fill: var(--soft);
  }
  .span.m-exporting text,
  .span.m-bootstrapping text,
  .span.m-validating-export text,
  .span.m-validating-cutover text,
  .span.m-cutting-over text {
    fill: #fff;
  }
  .a-source {
    --side: var(--rate);
  }
  .a-destination {
    --side: var(--complete);
  }
  .span:where(.a-source, .a-destination) rect {
    fill: var(--side);
  }
  i.a-source,
  i.a-destination {
    background: var(--side);
  }
  .chip.takes-writes {
    background: var(--complete);
    color: var(--on-span);
  }
  .milestone.equal path {
    fill: var(--good);
  }
  .milestone.differs path {
    fill: var(--bad);
  }
  .milestone.given-up path {
    fill: none;
    stroke: var(--milestone);
    stroke-width: 2.4;
  }
  .milestone.given-up line {
    stroke-dasharray: 2 3;
  }
`;
