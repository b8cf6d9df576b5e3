import type { RunState } from '../contracts/index.js';
import { html } from './html/markup.js';
import { page } from './html/page.js';
import { runSections } from './html/run-sections.js';
import { heading } from './html/sections/heading.js';
import type { Summary } from './summary-schema.js';

/** `report.html` of a run. `state` is what the summary leaves out: lag samples and the probe's seconds. */
export const renderHtml = (summary: Summary, state: RunState): string =>
  page(
    `${summary.run.cluster}: ${summary.run.outcome} – rollgate`,
    summary.asOf,
    html`${heading(summary)} ${runSections(summary, state)}`,
  );
