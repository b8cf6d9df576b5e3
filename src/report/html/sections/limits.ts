import { whyNotMeasured } from '../../format.js';
import type { Summary } from '../../summary-schema.js';
import { html, type Markup } from '../markup.js';

export function guaranteesSection(summary: Summary): Markup {
  const measured = summary.writes;
  return html`<section class="limits">
    <h2>What this says, and what it does not</h2>
    <ul>
      ${
        measured
          ? html`<li>
                Every write that a probe client had acknowledged was looked for at the end, in the cluster's
                primary. Lost means acknowledged and not there.
              </li>
              <li>
                Unknown writes were sent and never answered. They may be there or not; an application must be
                ready for both.
              </li>
              ${
                measured.linearizability &&
                measured.linearizability.verdict !== 'unchecked' &&
                html`<li>
                  Linearizable means that one order of all writes and reads of the probe, each between its
                  call and its answer, explains every value that was read. It was checked over the whole run,
                  for the probe's own registers.
                </li>`
              }
              <li>
                Gaps are what ${measured.writers} ${measured.writers === 1 ? 'client' : 'clients'} saw from
                the host of the probe. Yours may connect and retry otherwise.
              </li>`
          : html`<li>Writes were ${whyNotMeasured(summary.measurement)}.</li>`
      }
      ${
        summary.windows.length === 0
          ? summary.plan?.kind === 'possible' &&
            html`<li>The plan opened no window in which an acknowledged write could be lost.</li>`
          : summary.windows.map((w) => html`<li><b>Accepted by the spec: ${w.name}.</b> ${w.risk}</li>`)
      }
      <li>
        Times come from the clocks of the hosts that acted; between hosts they agree as well as those clocks
        do.
      </li>
      ${
        summary.migration &&
        html`<li>
          A cut compares every row of every table at one position. What was written after the last one was
          carried over by replication and was not compared.
        </li>`
      }
      <li>
        Only what the probe wrote is read back. The data of applications is the system's own affair, in the
        same log.
      </li>
    </ul>
    ${summary.resumeHint !== '' && html`<p>To go on: <code>${summary.resumeHint}</code></p>`}
  </section>`;
}
