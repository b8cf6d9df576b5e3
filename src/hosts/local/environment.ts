/** What a program needs of our environment; the rest may hold secrets of the worker. */
const inherited = ['PATH', 'LANG', 'LC_ALL', 'TZ'] as const;

/** The environment of a program on the node's host: `own`, and little else. */
export function environment(own: Readonly<Record<string, string>>): Record<string, string> {
  const env: Record<string, string> = {};
  for (const name of inherited) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return { ...env, ...own };
}
