import { readFile } from 'node:fs/promises';
import { messageOf, RollgateError, type SecretRef, type SecretResolver } from '../contracts/index.js';

/** Shorter values are not searched for: they would tear holes into every text. */
const shortest = 4;

/** Secrets from the environment and from files, for activities and the probe alone. */
export function createSecretResolver(env: NodeJS.ProcessEnv = process.env): SecretResolver {
  const seen = new Set<string>();
  return {
    async resolve(ref) {
      const value = await read(ref, env);
      if (value.length >= shortest) {
        for (const form of [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)])
          seen.add(form);
      }
      return value;
    },
    redact(text) {
      // Longest first, so that a secret that contains another leaves nothing behind.
      return [...seen]
        .sort((a, b) => b.length - a.length)
        .reduce((redacted, value) => redacted.replaceAll(value, '[secret]'), text);
    },
  };
}

async function read(ref: SecretRef, env: NodeJS.ProcessEnv): Promise<string> {
  const [kind, name] = [ref.slice(0, ref.indexOf(':')), ref.slice(ref.indexOf(':') + 1)];
  if (kind === 'env') {
    const value = env[name];
    if (value !== undefined && value !== '') return value;
    throw new RollgateError('SECRET_UNRESOLVED', `${ref}: the variable is not set`, 'Set it for the worker.');
  }
  try {
    return (await readFile(name, 'utf8')).replace(/\r?\n$/, '');
  } catch (error) {
    throw new RollgateError(
      'SECRET_UNRESOLVED',
      `${ref}: ${messageOf(error)}`,
      'Make the file readable for the worker.',
    );
  }
}
