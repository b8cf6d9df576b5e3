import { css } from '../markup.js';

/** The page of a pipeline: its stages, and a chapter for each. */
export const pipeline = css`
  .chapter {
    margin-top: 34px;
    padding-top: 20px;
    border-top: 3px solid var(--line);
    scroll-margin-top: 8px;
  }
  .chapter > details > summary {
    font-weight: 400;
  }
  .chapter > details > summary .kicker {
    font-size: 13px;
  }
  .chapter > details > summary h2 {
    font-size: 23px;
    line-height: 1.25;
    margin: 2px 0 4px;
  }
  .chapter h2 .versions {
    font-weight: 400;
    color: var(--soft);
  }
  .outcome span {
    margin-left: 6px;
  }
  a {
    color: var(--accent);
    text-underline-offset: 2px;
  }
  .alarm a {
    color: inherit;
  }
  .alarm ul {
    margin: 4px 0 0;
    padding-left: 20px;
  }
  .why {
    margin: 10px 0 0;
    padding-left: 20px;
  }
  td .bad {
    color: var(--bad);
  }
  .e-completed {
    --end: var(--complete);
  }
  .e-rolled-back {
    --end: var(--draining);
  }
  .e-aborted,
  .e-failed {
    --end: var(--failed);
  }
  .e-running {
    --end: var(--upgrading);
  }
  .e-to-come,
  .e-not-begun {
    --end: var(--pending);
  }
  .chip:where([class*=' e-']) {
    background: var(--end);
    color: var(--on-span);
  }
  .chip.e-failed,
  .chip.e-aborted,
  .chip.e-running {
    color: #fff;
  }
  .chip.e-to-come,
  .chip.e-not-begun {
    color: var(--ink);
  }
  .strip {
    display: block;
    width: 100%;
    height: 22px;
    margin-bottom: 12px;
  }
  .strip rect {
    fill: var(--end);
  }
  @media print {
    .chapter {
      break-before: page;
      border-top: 0;
    }
    .chapter > details::details-content {
      content-visibility: visible;
      display: block;
    }
  }
`;
