/** What `synchronous_standby_names` asks for. */
export interface StandbyRule {
  readonly method: 'ANY' | 'FIRST';
  /** How many standbys must confirm a commit. */
  readonly count: number;
  /** Names in order; `*` stands for every standby. */
  readonly names: readonly string[];
}

/**
 * Parse `synchronous_standby_names`; `undefined` for the empty value, which means asynchronous.
 * Grammar: https://www.postgresql.org/docs/17/runtime-config-replication.html#GUC-SYNCHRONOUS-STANDBY-NAMES
 *
 * @throws SyntaxError for what the grammar does not have
 */
export function parseStandbyNames(text: string): StandbyRule | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  const quorum = /^(?:(ANY|FIRST)\s+)?(\d+)\s*\(([\s\S]*)\)$/i.exec(trimmed);
  if (quorum) {
    const method = quorum[1]?.toUpperCase() === 'ANY' ? 'ANY' : 'FIRST';
    return { method, count: Number(quorum[2]), names: parseNames(quorum[3] ?? '') };
  }
  return { method: 'FIRST', count: 1, names: parseNames(trimmed) };
}

function parseNames(list: string): string[] {
  const names: string[] = [];
  const name = /\s*(?:"((?:[^"]|"")*)"|([^\s",()]+))\s*(,|$)/y;
  while (name.lastIndex < list.length) {
    const match = name.exec(list);
    if (!match) throw new SyntaxError(`not a list of standby names: ${list}`);
    names.push(match[1] === undefined ? (match[2] ?? '').toLowerCase() : match[1].replaceAll('""', '"'));
  }
  return names;
}

/** The standbys of `streaming` that this rule counts; comparison ignores case, as the server's does. */
export function counted(rule: StandbyRule, streaming: readonly string[]): string[] {
  if (rule.names.includes('*')) return [...streaming];
  const names = rule.names.map((n) => n.toLowerCase());
  return streaming.filter((s) => names.includes(s.toLowerCase()));
}
