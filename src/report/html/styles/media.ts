import { css } from '../markup.js';

/** Narrow screens and paper. */
export const media = css`
  @media (max-width: 560px) {
    main {
      padding: 18px 12px 40px;
    }
    h1 {
      font-size: 24px;
    }
    h1 .versions {
      display: block;
      white-space: normal;
      font-size: 18px;
    }
    section {
      padding: 14px;
      border-radius: 10px;
    }
    .figures {
      grid-template-columns: 1fr 1fr;
      padding: 0;
      gap: 10px;
    }
    .tile .value {
      font-size: 22px;
    }
  }
  @media print {
    :root {
      --bg: #fff;
      --card: #fff;
    }
    body {
      font-size: 11px;
      -webkit-print-color-adjust: exact;
      print-color-adjust: exact;
    }
    main {
      max-width: none;
      padding: 0;
    }
    section {
      break-inside: avoid;
      padding: 10px 12px;
      margin-top: 10px;
    }
    .limits,
    section:has(tr:nth-child(9)) {
      break-inside: auto;
    }
    tr {
      break-inside: avoid;
    }
    .figures {
      grid-template-columns: repeat(auto-fit, minmax(110px, 1fr));
      padding: 0;
    }
    .tile .value {
      font-size: 20px;
    }
    .chart,
    .scroll {
      overflow: visible;
    }
    .chart-inner {
      min-width: 0;
    }
    table {
      font-size: 10px;
    }
    .chart-labels {
      background: none;
    }
  }
`;
