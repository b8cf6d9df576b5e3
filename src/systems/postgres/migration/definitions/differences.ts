import { hidden, type Definition } from './definition.js';

/** Above it, or over several lines, a text is not shown: only that it is not the same. */
const longest = 100;

/**
 * One sentence for each difference, in the order of the objects' names. Of a table that is on one side only its
 * columns are not told.
 * @param own roles that rollgate connects as, which each side has for itself
 */
export function differences(
  source: readonly Definition[],
  destination: readonly Definition[],
  own: readonly string[],
): string[] {
  const [here, there] = [byObject(source), byObject(destination)];
  const oneSided = (object: string): boolean => here.has(object) !== there.has(object);
  const skipped = (definition: Definition): boolean =>
    definition.parent !== null && (oneSided(definition.parent) || isOwn(definition.parent, own));
  const objects = [...new Set([...here.keys(), ...there.keys()])].sort();
  return objects.flatMap((object) => {
    const [a, b] = [here.get(object), there.get(object)];
    const some = a ?? b;
    if (!some || skipped(some) || isOwn(object, own)) return [];
    if (a && b) return changes(a, b);
    // A server has roles of its own for its standbys and its superusers.
    if (!a && isServersOwn(some)) return [];
    return [
      `${object}: only on ${a ? 'source' : 'destination'}${isRole(some) ? missingRole(a !== undefined) : ''}`,
    ];
  });
}

const isRole = ({ object, parent }: Definition): boolean => parent === null && object.startsWith('role ');

/** Roles are seen by no guard and carried by no stream, so they alone change in mid-migration as a matter of course. */
const missingRole = (onSource: boolean): string =>
  ` (CREATE ROLE … NOLOGIN on the ${onSource ? 'destination' : 'source'}, where it may log in once that takes the writes; or DROP ROLE)`;

const otherPassword =
  ' (on the side where it is old: ALTER ROLE … PASSWORD with the text of pg_authid.rolpassword of the other one)';

const byObject = (definitions: readonly Definition[]): Map<string, Definition> =>
  new Map(definitions.map((d) => [d.object, d]));

const isOwn = (object: string, own: readonly string[]): boolean =>
  own.some((role) => object === `role ${role}` || object === `role "${role}"`);

const isServersOwn = ({ object, aspects }: Definition): boolean =>
  object.startsWith('role ') && (aspects['superuser'] === 'yes' || aspects['replication'] === 'yes');

function changes(a: Definition, b: Definition): string[] {
  const names = [...new Set([...Object.keys(a.aspects), ...Object.keys(b.aspects)])].sort();
  return names.flatMap((name) => {
    const [x, y] = [a.aspects[name] ?? null, b.aspects[name] ?? null];
    if (x === y || isExpected(name, a, b)) return [];
    const what = name === '' ? a.object : `${a.object}, ${name}`;
    if ([x, y].some(isUnshown)) {
      const hint = isRole(a) && name === 'password' ? otherPassword : '';
      return [`${what}: not the same on source and destination${hint}`];
    }
    return [`${what}: ${x ?? 'none'} on source, ${y ?? 'none'} on destination`];
  });
}

const isUnshown = (value: string | null): boolean =>
  value !== null && (value.startsWith(hidden) || value.includes('\n') || value.length > longest);

/** What follows from another difference, or from the other version of the packages. */
function isExpected(name: string, a: Definition, b: Definition): boolean {
  if (name === 'order of columns') {
    const sorted = ({ aspects }: Definition): string => (aspects[name] ?? '').split(', ').sort().join(', ');
    return sorted(a) !== sorted(b);
  }
  if (!a.object.startsWith('extension ')) return false;
  return (
    name === 'default version' ||
    (name === 'version' && b.aspects['version'] === b.aspects['default version'])
  );
}
