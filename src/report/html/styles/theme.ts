import { css } from '../markup.js';

/** Colours, for light and for dark surroundings. */
export const theme = css`
  :root {
    color-scheme: light dark;
    --bg: #f6f7f9;
    --card: #fff;
    --ink: #1a2029;
    --soft: #5b6675;
    --line: #dfe3e9;
    --grid: #eceff3;
    --good: #13795b;
    --bad: #b3261e;
    --bad-bg: #fdeceb;
    --warn-bg: #fff6e0;
    --warn: #8a5a00;
    --accent: #2456c7;
    --pending: #d9dee5;
    --draining: #e9b44c;
    --drained: #c98a2b;
    --upgrading: #5b6ee1;
    --rejoining: #2a9d9d;
    --complete: #4caf7d;
    --failed: #d0463b;
    --on-span: #10151c;
    --on-strong: #fff;
    --lag: #7a5af0;
    --rate: #9db4d8;
    --band: #2456c7;
    --milestone: #a8327e;
  }
  @media screen and (prefers-color-scheme: dark) {
    :root {
      --bg: #0f1318;
      --card: #171c23;
      --ink: #e7ebf0;
      --soft: #98a4b3;
      --line: #2a323c;
      --grid: #222932;
      --good: #5fd0a5;
      --bad: #ff8a80;
      --bad-bg: #3a1a19;
      --warn-bg: #33280f;
      --warn: #f0c25e;
      --accent: #8fb0ff;
      --pending: #333c47;
      --draining: #d9a441;
      --drained: #b67d29;
      --upgrading: #7b8cf5;
      --rejoining: #38b2b2;
      --complete: #3f9d6e;
      --failed: #e05a4e;
      --on-span: #0b0f14;
      --on-strong: #0b0f14;
      --lag: #a18bff;
      --rate: #4d6690;
      --band: #8fb0ff;
      --milestone: #f08bc8;
    }
  }
`;
