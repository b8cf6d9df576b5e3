import { html } from '../markup.js';
import { boxes } from './boxes.js';
import { charts } from './charts.js';
import { media } from './media.js';
import { migration } from './migration.js';
import { milestones } from './milestones.js';
import { pipeline } from './pipeline.js';
import { theme } from './theme.js';
import { type } from './type.js';

export const styleElement = html`<style>
  ${[theme, type, boxes, charts, milestones, migration, pipeline, media]}
</style>`;
