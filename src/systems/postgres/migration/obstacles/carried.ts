import type { Obstacle } from '../../../../contracts/index.js';
import { streamName } from '../names.js';
import { replicatedTables } from '../publication.js';
import { publishedTables } from '../validation/table-sizes.js';
import { counted, listed, namesOf, placeOf, type Look, type Question } from './look.js';

/**
 * A table that came past the guard is in no publication; made on the other side by hand as well, it is still not part
 * of the subscription: neither the stream nor a comparison of rows knows it.
 * https://www.postgresql.org/docs/18/catalog-pg-subscription-rel.html
 */
export const carriedQuestion = (sender: Look, receiver: Look): Question => ({
  what: 'which tables the stream carries',
  async ask() {
    const stream = streamName(sender.side === 'source' ? 'forward' : 'back');
    const published = await publishedTables(sender.client, stream);
    // The way back has ended with the cut-back: what it carried has been compared at the fence.
    if (sender.side === 'destination' && published.length === 0) return [];
    const applied = await namesOf(
      receiver,
      `SELECT '"' || replace(n.nspname, '"', '""') || '"."' || replace(c.relname, '"', '""') || '"' AS name
         FROM pg_subscription s JOIN pg_subscription_rel r ON r.srsubid = s.oid AND r.srsubstate = 'r'
         JOIN pg_class c ON c.oid = r.srrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE s.subname = $1`,
      [stream],
    );
    const carried = new Set(published.filter((table) => applied.includes(table)));
    const left = (await replicatedTables(sender.client)).map((t) => t.table).filter((t) => !carried.has(t));
    const [first] = left;
    if (first === undefined) return [];
    const found: Obstacle = {
      code: 'PG_NOT_CARRIED',
      node: sender.node,
      message: `${counted(left.length, 'table')} on ${placeOf(sender)} that the stream to ${placeOf(receiver)} does not carry, because it came past the guard against DDL: ${listed(left)}`,
      remedy: `Keep its rows, DROP TABLE ${first}; on whichever side has it, and make it again after the acceptance; or roll back and begin anew.`,
    };
    return [found];
  },
});
