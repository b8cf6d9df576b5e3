import type { ClientBase } from 'pg';

/** One transaction: its effect and the fact that tells of it are there together or not at all. */
export async function transaction<T>(client: ClientBase, body: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    const answer = await body();
    await client.query('COMMIT');
    return answer;
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}
