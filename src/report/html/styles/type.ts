import { css } from '../markup.js';

/** The page and its type. */
export const type = css`
  * {
    box-sizing: border-box;
  }
  body {
    margin: 0;
    background: var(--bg);
    color: var(--ink);
    font:
      15px/1.5 system-ui,
      -apple-system,
      'Segoe UI',
      Roboto,
      'Helvetica Neue',
      sans-serif;
    font-variant-numeric: tabular-nums;
    -webkit-text-size-adjust: 100%;
  }
  main {
    max-width: 1120px;
    margin: 0 auto;
    padding: 28px 20px 56px;
  }
  code {
    font:
      0.9em/1.4 ui-monospace,
      SFMono-Regular,
      Menlo,
      Consolas,
      monospace;
    overflow-wrap: anywhere;
  }
  h1 {
    font-size: 30px;
    line-height: 1.2;
    margin: 2px 0 10px;
    letter-spacing: -0.015em;
  }
  h1 .versions {
    font-weight: 400;
    color: var(--soft);
    white-space: nowrap;
  }
  h2 {
    font-size: 18px;
    margin: 0 0 12px;
    letter-spacing: -0.005em;
  }
  h3 {
    font-size: 15px;
    margin: 0 0 8px;
  }
  .kicker {
    margin: 0;
    color: var(--soft);
    font-size: 13px;
    letter-spacing: 0.02em;
  }
  .meta {
    color: var(--soft);
    font-size: 13px;
    margin: 6px 0 0;
  }
  .outcome {
    margin: 0;
    font-size: 15px;
    color: var(--soft);
  }
  .outcome b {
    display: inline-block;
    padding: 3px 12px;
    border-radius: 99px;
    background: var(--good);
    color: var(--on-strong);
  }
  .o-failed b,
  .o-aborted b {
    background: var(--bad);
  }
  .o-running b {
    background: var(--accent);
  }
  .o-rolled-back b {
    background: var(--warn);
  }

  footer {
    color: var(--soft);
    font-size: 13px;
    margin-top: 20px;
  }
`;
