import type { ClientBase } from 'pg';
import { isSilence } from '../../silence.js';

/** One transaction: its effect and the fact that tells of it are there together or not at all. */
export async function transaction<T>(client: ClientBase, body: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    const answer = await body();
    await client.query('COMMIT');
    return answer;
  } catch (error) {
    // Nobody would answer to that either; the server ends it with the session.
    if (!isSilence(error)) await client.query('ROLLBACK');
    throw error;
  }
}
