import { settingsOf } from '../../connection.js';
import { counted, listed, namesOf, placeOf, type Look, type Question } from './look.js';

/**
 * A role that was made by hand on the side that only receives is no client of it yet. Superusers and roles for
 * replication are that server's own. https://www.postgresql.org/docs/18/role-attributes.html
 */
export const closedQuestion = (look: Look): Question => ({
  what: 'who may log in already',
  async ask() {
    const names = await namesOf(
      look,
      `SELECT quote_ident(rolname) AS name FROM pg_roles
        WHERE rolcanlogin AND NOT rolsuper AND NOT rolreplication AND rolname <> $1 ORDER BY 1`,
      [settingsOf(look.cluster).user],
    );
    const [first] = names;
    if (first === undefined) return [];
    return [
      {
        code: 'PG_DESTINATION_OPEN',
        node: look.node,
        message: `${counted(names.length, 'role')} may log in on ${placeOf(look)}, which does not take writes yet: ${listed(names)}`,
        remedy: `ALTER ROLE ${first} NOLOGIN; on the ${look.side}: whoever may log in on the other side may do so here once the writes move.`,
      },
    ];
  },
});
