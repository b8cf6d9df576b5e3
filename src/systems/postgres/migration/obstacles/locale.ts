import type { Obstacle } from '../../../../contracts/index.js';
import { isUserSchema } from '../user-objects.js';
import { listed, majorOf, placeOf, rowsOf, type Look, type Question } from './look.js';

/** Both sides must read the same bytes and order the same texts. */
export function localeQuestions(source: Look, destination: Look): Question[] {
  return [
    { what: 'how its database is encoded and ordered', ask: () => databaseLocale(source, destination) },
    { what: 'which versions its collations have', ask: () => collationVersions(source, destination) },
  ];
}

interface DatabaseLocale {
  readonly database: string;
  readonly encoding: string;
  readonly provider: string;
  readonly collate: string | null;
  readonly ctype: string | null;
  readonly locale: string | null;
  readonly rules: string | null;
}

/** https://www.postgresql.org/docs/18/catalog-pg-database.html */
async function localeOf(look: Look): Promise<DatabaseLocale> {
  const locale = majorOf(look) >= 17 ? 'datlocale' : 'daticulocale';
  const [row] = await rowsOf<DatabaseLocale>(
    look,
    `SELECT datname AS database, pg_encoding_to_char(encoding) AS encoding,
            CASE datlocprovider WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' ELSE 'builtin' END AS provider,
            datcollate AS collate, datctype AS ctype, ${locale} AS locale, daticurules AS rules
       FROM pg_database WHERE datname = current_database()`,
  );
  if (!row) throw new Error('the database is not in pg_database');
  return row;
}

async function databaseLocale(source: Look, destination: Look): Promise<Obstacle[]> {
  const [a, b] = [await localeOf(source), await localeOf(destination)];
  const names = ['encoding', 'provider', 'collate', 'ctype', 'locale', 'rules'] as const;
  const differing = names.filter((n) => a[n] !== b[n]);
  if (differing.length === 0) return [];
  const seen = differing.map((n) => `${n} ${a[n] ?? 'none'} and ${b[n] ?? 'none'}`).join('; ');
  const options = [
    `ENCODING '${a.encoding}'`,
    `LOCALE_PROVIDER ${a.provider}`,
    `LC_COLLATE '${a.collate ?? ''}'`,
    `LC_CTYPE '${a.ctype ?? ''}'`,
    ...(a.provider === 'libc'
      ? []
      : [`${a.provider === 'icu' ? 'ICU_LOCALE' : 'BUILTIN_LOCALE'} '${a.locale ?? ''}'`]),
  ].join(' ');
  return [
    {
      code: 'PG_LOCALE',
      node: destination.node,
      message: `database ${a.database} of ${placeOf(source)} and database ${b.database} of ${placeOf(destination)} are not encoded and ordered in the same way: ${seen}`,
      remedy: `Make the one on the destination anew, like that of the source: CREATE DATABASE "${b.database.replaceAll('"', '""')}" TEMPLATE template0 ${options};`,
    },
  ];
}

interface CollationVersion {
  readonly name: string;
  readonly recorded: string | null;
  readonly actual: string | null;
}

/**
 * The database's own collation, those of the user and those that columns or indexes have; all that an ICU library
 * brings would take long. https://www.postgresql.org/docs/18/sql-altercollation.html
 */
const versionsOf = (look: Look): Promise<CollationVersion[]> =>
  rowsOf(
    look,
    `SELECT 'collation ' || l.oid::regcollation AS name, l.collversion AS recorded, pg_collation_actual_version(l.oid) AS actual
       FROM pg_collation l
      WHERE l.oid IN (SELECT attcollation FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${isUserSchema('n.nspname')}
                      UNION SELECT oid FROM pg_collation WHERE oid >= 16384)
     UNION ALL
     SELECT 'database ' || quote_ident(datname), datcollversion, pg_database_collation_actual_version(oid)
       FROM pg_database WHERE datname = current_database() ORDER BY 1`,
  );

/** Text may be ordered in another way by another version of a library: indexes, ranges of partitions, constraints. */
async function collationVersions(source: Look, destination: Look): Promise<Obstacle[]> {
  const found: string[] = [];
  const sides = [
    { look: source, versions: await versionsOf(source) },
    { look: destination, versions: await versionsOf(destination) },
  ] as const;
  for (const { look, versions } of sides) {
    for (const { name, recorded, actual } of versions) {
      if (recorded === null || recorded === actual) continue;
      found.push(
        `${name} on ${placeOf(look)} was made with version ${recorded} and is now ${actual ?? 'of none'}`,
      );
    }
  }
  const databaseOf = (versions: readonly CollationVersion[]) =>
    versions.find((v) => v.name.startsWith('database '));
  for (const { name, actual } of sides[0].versions) {
    const isDatabase = name.startsWith('database ');
    const other = isDatabase ? databaseOf(sides[1].versions) : sides[1].versions.find((v) => v.name === name);
    if (!other || other.actual === actual) continue;
    found.push(
      `${name} is of version ${actual ?? 'none'} on the source and ${other.actual ?? 'none'} on the destination`,
    );
  }
  if (found.length === 0) return [];
  return [
    {
      code: 'PG_COLLATION_VERSION',
      node: source.node,
      message: `versions of collations do not agree: ${listed(found)}; texts may be ordered in another way`,
      remedy:
        'Where a side was made with another version: REINDEX what it orders, then ALTER DATABASE … REFRESH COLLATION VERSION; or ALTER COLLATION … REFRESH VERSION; where the sides differ, give them the same library, or accept collation-version.',
      acceptAs: 'collation-version',
    },
  ];
}
