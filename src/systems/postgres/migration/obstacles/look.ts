import type { ClientBase } from 'pg';
import { messageOf, type ClusterSpec, type Obstacle, type Side } from '../../../../contracts/index.js';

/** One side as it is looked at: a session on its primary, and what every question needs to know of it. */
export interface Look {
  readonly side: Side;
  readonly cluster: ClusterSpec;
  /** Id of the primary. */
  readonly node: string;
  readonly client: ClientBase;
  /** As the server tells it, e.g. `17.10`. */
  readonly version: string;
  /** `server_version_num`, e.g. 170010. */
  readonly versionNumber: number;
  readonly superuser: boolean;
}

/** Where a look was had, in words; both sides may use the same node ids. */
export const placeOf = ({ side, node }: Pick<Look, 'side' | 'node'>): string => `the ${side} (${node})`;

export const majorOf = (look: Pick<Look, 'versionNumber'>): number => Math.floor(look.versionNumber / 10_000);

export async function rowsOf<T extends object>(
  { client }: Pick<Look, 'client'>,
  statement: string,
  values: readonly unknown[] = [],
): Promise<T[]> {
  return (await client.query<T>(statement, [...values])).rows;
}

/** The column `name` of every row. */
export async function namesOf(
  look: Pick<Look, 'client'>,
  statement: string,
  values: readonly unknown[] = [],
): Promise<string[]> {
  return (await rowsOf<{ name: string }>(look, statement, values)).map((r) => r.name);
}

const shown = 10;

/** At most ten names; an operator who sees these finds the others in the same way. */
export function listed(names: readonly string[]): string {
  const more = names.length - shown;
  return names.slice(0, shown).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;

/** A question and the obstacles that its answer makes. */
export interface Question {
  /** What is not known without an answer, e.g. "which tables have no replica identity". */
  readonly what: string;
  ask(): Promise<readonly Obstacle[]>;
}

/**
 * Ask one after the other. What a server answers with an error is an obstacle of its own: nothing is known then, and
 * a migration must not begin on a guess. A lost session is not an answer.
 * @throws whatever is no answer of the server
 */
export async function askAll(look: Look, questions: readonly Question[]): Promise<Obstacle[]> {
  const found: Obstacle[] = [];
  for (const { what, ask } of questions) {
    try {
      found.push(...(await ask()));
    } catch (error) {
      if (!isAnswer(error)) throw error;
      found.push({
        code: 'PG_UNKNOWN',
        node: look.node,
        message: `${placeOf(look)} did not tell ${what}: ${messageOf(error)}`,
        remedy: 'Remove what the error names, then inspect again: nothing is begun on a guess.',
      });
    }
  }
  return found;
}

/**
 * An error that the server has raised about the statement; class 08 and 57P are about the session instead.
 * https://www.postgresql.org/docs/18/errcodes-appendix.html
 */
function isAnswer(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^(08|57P)/.test(code);
}
