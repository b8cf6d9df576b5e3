import type { RunState } from '../contracts/index.js';
import { html } from './html/markup.js';
import { backupsSection } from './html/sections/backups.js';
import { borrowedSection } from './html/sections/borrowed.js';
import { eventsSection } from './html/sections/events.js';
import { figures } from './html/sections/figures.js';
import { formationSection } from './html/sections/formation.js';
import { gatesSection } from './html/sections/gates.js';
import { handoversSection } from './html/sections/handovers.js';
import { heading } from './html/sections/heading.js';
import { guaranteesSection } from './html/sections/limits.js';
import { logSection } from './html/sections/log.js';
import { migrationSection } from './html/sections/migration.js';
import { nodesSection } from './html/sections/nodes.js';
import { planSection } from './html/sections/plan.js';
import { switchesSection } from './html/sections/switches.js';
import { timelineSection } from './html/sections/timeline.js';
import {
  failureBox,
  lossAlarm,
  unobservedBox,
  violationAlarm,
  waitingBox,
} from './html/sections/warnings.js';
import { writesSection } from './html/sections/writes.js';
import { styleElement } from './html/styles/index.js';
import type { Summary } from './summary-schema.js';

/**
 * `report.html`: one file that asks nothing of any network and needs no script; its content security policy
 * forbids both. `state` is what the summary leaves out: lag samples and the probe's seconds.
 */
export function renderHtml(summary: Summary, state: RunState): string {
  const title = `${summary.run.cluster}: ${summary.run.outcome} – rollgate`;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"
        />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="icon" href="data:," />
        ${styleElement}
      </head>
      <body>
        <main>
          ${heading(summary)} ${lossAlarm(summary)} ${violationAlarm(summary)} ${failureBox(summary)}
          ${waitingBox(summary)} ${unobservedBox(summary)} ${figures(summary)}
          ${timelineSection(summary, state)} ${nodesSection(summary)} ${formationSection(summary)}
          ${migrationSection(summary)} ${handoversSection(summary)} ${switchesSection(summary)}
          ${backupsSection(summary)} ${writesSection(summary)} ${gatesSection(summary)}
          ${borrowedSection(summary)} ${planSection(summary)} ${eventsSection(summary)} ${logSection(summary)}
          ${guaranteesSection(summary)}
          <footer>
            Written by rollgate from the state of the run as of ${summary.asOf}. The same figures for
            programs: summary.json.
          </footer>
        </main>
      </body>
    </html> `.text;
}
