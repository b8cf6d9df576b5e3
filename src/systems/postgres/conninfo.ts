/** A libpq connection string as its keywords, in order. It may hold a password: never log or return one. */
export type Conninfo = ReadonlyMap<string, string>;

/** https://www.postgresql.org/docs/17/libpq-connect.html#LIBPQ-CONNSTRING-KEYWORD-VALUE */
export function parseConninfo(text: string): Conninfo {
  const found = new Map<string, string>();
  const pair = /\s*([A-Za-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))/y;
  while (text.slice(pair.lastIndex).trim() !== '') {
    const match = pair.exec(text);
    if (!match) throw new SyntaxError('primary_conninfo is not a list of keyword=value pairs');
    found.set(match[1] ?? '', (match[2] ?? match[3] ?? '').replace(/\\(.)/g, '$1'));
  }
  return found;
}

export const formatConninfo = (conninfo: Conninfo): string =>
  [...conninfo].map(([key, value]) => `${key}='${value.replace(/[\\']/g, '\\$&')}'`).join(' ');

/** The same connection to another server; options of the user's own stay as they are. */
export function redirect(
  conninfo: Conninfo,
  to: { host: string; port: number },
  applicationName: string,
): Conninfo {
  const changed = new Map(conninfo);
  changed.delete('hostaddr');
  changed.set('host', to.host);
  changed.set('port', String(to.port));
  changed.set('application_name', applicationName);
  return changed;
}
