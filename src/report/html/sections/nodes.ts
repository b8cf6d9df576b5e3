import { formatStanding } from '../../format-migration.js';
import { formatMs, formatRole, formatWay, msBetween } from '../../format.js';
import type { Summary } from '../../summary-schema.js';
import { table } from './table.js';
import { html, type Markup } from '../markup.js';

export function nodesSection(summary: Summary): Markup | undefined {
  const { migration } = summary;
  if (summary.nodes.length === 0) return undefined;
  if (migration) return nodesOfBoth(summary.nodes, migration);
  return html`<section>
    <h2>Nodes</h2>
    ${table(
      ['node', 'role', 'version', 'reports', 'status', 'took'],
      summary.nodes.map((n) => [
        html`<b>${n.id}</b>`,
        html`${formatRole(n)}`,
        html`${formatWay(n, summary.direction)}`,
        html`${n.version ?? (formatRole(n) === 'none' ? '' : 'unknown')}`,
        html`<span class="chip s-${n.status}">${n.status}</span
          >${n.reason !== undefined && html` <span class="reason">${n.reason}</span>`}`,
        html`${n.startedAt === undefined ? '' : formatMs(msBetween(n.startedAt, n.endedAt ?? summary.asOf))}`,
      ]),
    )}
  </section>`;
}

/** The nodes of a migration: both clusters, and what each runs. */
function nodesOfBoth(nodes: Summary['nodes'], migration: NonNullable<Summary['migration']>): Markup {
  return html`<section>
    <h2>Nodes</h2>
    ${table(
      ['node', 'cluster', 'side', 'version', 'clients'],
      nodes.map((n) => {
        const standing = formatStanding(n.roleBefore, migration);
        return [
          html`<b>${n.id}</b>`,
          html`${n.roleBefore === 'source' ? migration.source : migration.destination}`,
          html`${n.roleBefore}`,
          html`${formatWay(n, 'forward')}`,
          html`${standing !== '' && html`<span class="chip ${n.roleBefore === migration.authority && 'takes-writes'}">${standing}</span>`}`,
        ];
      }),
    )}
  </section>`;
}
