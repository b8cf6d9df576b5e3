import { messageOf } from '../../../../contracts/index.js';
import { parseStandbyNames } from '../../standby-names.js';
import { streamName } from '../names.js';

/** What `synchronous_standby_names` becomes while the reverse stream is synchronous, or why it cannot. */
export type SynchronousRule =
  | { readonly kind: 'rule'; readonly value: string }
  | { readonly kind: 'refused'; readonly reason: string; readonly remedy: string };

/**
 * A rule by which every commit waits for the reverse subscription as well as for what the former rule asked for.
 * A rule has one list and one count, so this can be said exactly where the former one asks for all of its standbys:
 * then all of them and ours are asked for. "Ours and any one of two" cannot be said: with a count of two the others
 * would do without ours. https://www.postgresql.org/docs/17/runtime-config-replication.html#GUC-SYNCHRONOUS-STANDBY-NAMES
 *
 * @param former the value in effect on the primary
 * @param self the primary's own name, which never confirms anything and is left out
 */
export function synchronousWith(former: string, self?: string): SynchronousRule {
  const ours = streamName('back');
  let rule: ReturnType<typeof parseStandbyNames>;
  try {
    rule = parseStandbyNames(former);
  } catch (error) {
    return refused(former, `cannot be read: ${messageOf(error)}`);
  }
  if (!rule) return { kind: 'rule', value: listOf([ours]) };
  if (rule.names.some((name) => name.toLowerCase() === ours)) return { kind: 'rule', value: former };
  if (rule.names.includes('*')) return refused(former, 'counts every standby, and so the reverse stream too');
  const others = rule.names.filter((name) => name.toLowerCase() !== self?.toLowerCase());
  const distinct = [...new Set(others.map((name) => name.toLowerCase()))];
  if (rule.count < distinct.length) {
    return refused(former, `needs ${rule.count} of ${distinct.length}; that and ${ours} cannot be one rule`);
  }
  if (rule.count > distinct.length) {
    return refused(former, `needs ${rule.count} standbys and names ${distinct.length}: no commit ends by it`);
  }
  return { kind: 'rule', value: listOf([ours, ...distinct]) };
}

const listOf = (names: readonly string[]): string =>
  `FIRST ${names.length} (${names.map((name) => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`)).join(', ')})`;

const refused = (former: string, why: string): SynchronousRule => ({
  kind: 'refused',
  reason: `synchronous_standby_names = '${former}' ${why}`,
  remedy:
    "Until the migration is accepted, let the new primary's synchronous_standby_names be empty or ask for every standby that it names, e.g. 'FIRST 2 (a, b)'; or accept the window reverse-asynchronous.",
});
