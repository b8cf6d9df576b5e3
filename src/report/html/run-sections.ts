import type { RunState } from '../../contracts/index.js';
import type { Summary } from '../summary-schema.js';
import { html, type Markup } from './markup.js';
import { backupsSection } from './sections/backups.js';
import { borrowedSection } from './sections/borrowed.js';
import { eventsSection } from './sections/events.js';
import { figures } from './sections/figures.js';
import { formationSection } from './sections/formation.js';
import { gatesSection } from './sections/gates.js';
import { handoversSection } from './sections/handovers.js';
import { guaranteesSection } from './sections/limits.js';
import { logSection } from './sections/log.js';
import { migrationSection } from './sections/migration.js';
import { nodesSection } from './sections/nodes.js';
import { planSection } from './sections/plan.js';
import { switchesSection } from './sections/switches.js';
import { timelineSection } from './sections/timeline.js';
import {
  causeBox,
  failureBox,
  lossAlarm,
  unobservedBox,
  violationAlarm,
  waitingBox,
} from './sections/warnings.js';
import { writesSection } from './sections/writes.js';

/**
 * Everything that the page tells of one run, below its heading. It has no ids, so that several can stand on a page.
 * `state` is what the summary leaves out: lag samples and the probe's seconds.
 */
export const runSections = (summary: Summary, state: RunState): Markup =>
  html`${lossAlarm(summary)} ${violationAlarm(summary)} ${failureBox(summary)} ${causeBox(summary)}
  ${waitingBox(summary)} ${unobservedBox(summary)} ${figures(summary)} ${timelineSection(summary, state)}
  ${nodesSection(summary)} ${formationSection(summary)} ${migrationSection(summary)}
  ${handoversSection(summary)} ${switchesSection(summary)} ${backupsSection(summary)}
  ${writesSection(summary)} ${gatesSection(summary)} ${borrowedSection(summary)} ${planSection(summary)}
  ${eventsSection(summary)} ${logSection(summary)} ${guaranteesSection(summary)}`;
