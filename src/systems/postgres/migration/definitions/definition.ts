import { isOfExtension } from '../user-objects.js';

/** One object of a database, as it is defined: what must be the same on both sides, in words and without oids. */
export interface Definition {
  /** The object that it is part of; where that is on one side only, its parts are not told. */
  readonly parent: string | null;
  /** What it is and its name, e.g. `table public.orders, column note`. Unique in its database. */
  readonly object: string;
  /** What is said of it, by name; the name '' is its definition itself. `null`: none. */
  readonly aspects: Readonly<Record<string, string | null>>;
}

/** The versions of both sides, where a catalog of one has what the other's has not. */
export interface Majors {
  /** Of the server that is asked. */
  readonly own: number;
  /** The lower one of both. */
  readonly lower: number;
}

/** A query whose rows are {@link Definition}s. */
export type Family = (majors: Majors) => string;

/** What must not be shown: the line about a difference says only that there is one. */
export const hidden = 'hidden:';

/** SQL: objects of the user in a catalog without schemas; smaller oids are of initdb. */
export const isUserObject = (catalog: string, oid: string): string =>
  `(${oid} >= 16384 AND NOT ${isOfExtension(catalog, oid)})`;

/** SQL: the schema in whose parts `n` is. */
export const inSchema = "'schema ' || quote_ident(n.nspname)";

export const owner = (column: string): string => `pg_get_userbyid(${column})`;

export const comment = (catalog: string, oid: string): string => `obj_description(${oid}, '${catalog}')`;

/**
 * SQL: who may do what, as an object of aspects. No list at all means the default one, which differs between
 * versions: MAINTAIN is known since 17, and left out beside an older side.
 * https://www.postgresql.org/docs/18/ddl-priv.html
 */
export function privileges(
  { lower }: Majors,
  { acl, kind, owner: of }: { acl: string; kind: string | undefined; owner: string },
): string {
  const list = kind === undefined ? acl : `coalesce(${acl}, acldefault('${kind}', ${of}))`;
  return `(SELECT coalesce(jsonb_object_agg('privileges of ' || who, may), '{}') FROM (
     SELECT who, string_agg(DISTINCT may, ', ' ORDER BY may) AS may FROM (
       SELECT CASE x.grantee WHEN 0 THEN 'PUBLIC' WHEN ${of} THEN 'its owner' ELSE pg_get_userbyid(x.grantee) END AS who,
              x.privilege_type || CASE WHEN x.is_grantable THEN ' with grant option' ELSE '' END AS may
         FROM aclexplode(${list}) x
        WHERE ${lower >= 17 ? 'true' : "x.privilege_type <> 'MAINTAIN'"}) e GROUP BY who) g)`;
}

/** SQL: an object of aspects. */
export const aspects = (pairs: Readonly<Record<string, string>>): string =>
  `jsonb_build_object(${Object.entries(pairs)
    .map(([name, value]) => `'${name}', (${value})::text`)
    .join(', ')})`;

/** SQL: `yes` and `no` read better than `t` and `f`. */
export const yesNo = (condition: string): string => `CASE WHEN ${condition} THEN 'yes' ELSE 'no' END`;

/** SQL: a character of a catalog, in words. */
export const word = (column: string, words: Readonly<Record<string, string>>): string =>
  `CASE ${column} ${Object.entries(words)
    .map(([value, meaning]) => `WHEN '${value}' THEN '${meaning}'`)
    .join(' ')} ELSE ${column}::text END`;
