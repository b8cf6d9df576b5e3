import { escapeIdentifier, type ClientBase } from 'pg';

export interface Membership {
  readonly role: string;
  readonly member: string;
  /** `null`: the superuser that the cluster was made with, whatever it is called. */
  readonly grantor: string | null;
  readonly admin: boolean;
  /** `null` before 16: as the member's own INHERIT says. */
  readonly inherit: boolean | null;
  readonly set: boolean | null;
}

/** https://www.postgresql.org/docs/17/catalog-pg-auth-members.html */
export async function readMemberships(client: ClientBase): Promise<Membership[]> {
  const { rows } = await client.query<Membership>(
    `SELECT r.rolname AS role, m.rolname AS member, CASE WHEN a.grantor <> 10 THEN g.rolname END AS grantor,
            a.admin_option AS admin, (to_jsonb(a) ->> 'inherit_option')::boolean AS inherit,
            (to_jsonb(a) ->> 'set_option')::boolean AS set
       FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
       LEFT JOIN pg_roles g ON g.oid = a.grantor
      ORDER BY r.rolname COLLATE "C", m.rolname COLLATE "C", g.rolname COLLATE "C"`,
  );
  return rows;
}

/**
 * Grants of the memberships of `own` roles, in an order in which each grantor has been given the right to grant
 * before. https://www.postgresql.org/docs/17/sql-grant.html
 */
export function membershipStatements(
  memberships: readonly Membership[],
  own: ReadonlySet<string>,
  known: ReadonlySet<string>,
): string[] {
  const isKnown = (name: string): boolean => known.has(name) || name.startsWith('pg_');
  let waiting = memberships.filter(
    (m) => (own.has(m.role) || own.has(m.member)) && isKnown(m.role) && isKnown(m.member),
  );
  const ordered: Membership[] = [];
  while (waiting.length > 0) {
    const ready = waiting.filter(
      ({ role, grantor }) =>
        grantor === null || ordered.some((m) => m.admin && m.role === role && m.member === grantor),
    );
    // Before 16 the grantor needed no right of its own, and need not be there: it is granted by us then.
    const next = ready.length > 0 ? ready : waiting.map((m) => ({ ...m, grantor: null }));
    ordered.push(...next);
    waiting = ready.length > 0 ? waiting.filter((m) => !ready.includes(m)) : [];
  }
  return ordered.map(grant);
}

function grant({ role, member, grantor, admin, inherit, set }: Membership): string {
  const options = [
    `ADMIN ${admin}`,
    ...(inherit === null ? [] : [`INHERIT ${inherit}`]),
    ...(set === null ? [] : [`SET ${set}`]),
  ];
  const by = grantor === null ? '' : ` GRANTED BY ${escapeIdentifier(grantor)}`;
  return `GRANT ${escapeIdentifier(role)} TO ${escapeIdentifier(member)} WITH ${options.join(', ')}${by}`;
}
