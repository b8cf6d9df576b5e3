import { css } from '../markup.js';

/** Version switches and checkpoints, in the timeline and in their sections. */
export const milestones = css`
  .milestone path {
    fill: var(--milestone);
  }
  .milestone.cleared path {
    fill: var(--card);
    stroke: var(--milestone);
    stroke-width: 2;
  }
  .milestone.checkpoint path {
    fill: var(--accent);
  }
  .milestone text,
  .gap text {
    paint-order: stroke;
    stroke: var(--card);
    stroke-width: 3px;
    stroke-linejoin: round;
  }
  .milestone line {
    stroke: var(--milestone);
    stroke-width: 1.4;
  }
  .milestone.cleared line {
    stroke-dasharray: 2 3;
  }
  .chip.w-reached {
    background: var(--complete);
    color: var(--on-span);
  }
  .chip.w-cleared {
    background: var(--upgrading);
    color: #fff;
  }
`;
