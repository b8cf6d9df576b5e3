import { readFile } from 'node:fs/promises';
import { RollgateError, type SecretRef, type SecretResolver } from '../contracts/index.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Shorter values would take ordinary words out of a message, and a secret that short protects nothing. */
const shortestRedacted = 4;

/**
 * Resolve `env:NAME` and `file:/path`. A file is read at each call, so that a rotated secret is seen; one final
 * newline, which editors add, is not part of it.
 */
export function createSecretResolver(env: Environment = process.env): SecretResolver {
  const forms = new Set<string>();
  let pattern: RegExp | undefined;

  const remember = (value: string): string => {
    if (value.length < shortestRedacted) return value;
    for (const form of formsOf(value)) forms.add(form);
    // The longest first: a short form may be part of a longer one.
    const alternatives = [...forms].sort((a, b) => b.length - a.length).map(escapeForPattern);
    pattern = new RegExp(alternatives.join('|'), 'g');
    return value;
  };

  return {
    async resolve(ref) {
      if (ref.startsWith('env:')) return remember(fromEnvironment(ref, env));
      if (ref.startsWith('file:/')) return remember(await fromFile(ref));
      // Whatever stands here may be the secret itself, so it is not shown.
      throw new RollgateError(
        'SECRET_UNRESOLVED',
        'a secret is given as something else than a reference (not shown here)',
        'Use env:NAME or file:/absolute/path.',
      );
    },
    redact: (text) => (pattern ? text.replace(pattern, '[secret]') : text),
  };
}

function fromEnvironment(ref: SecretRef, env: Environment): string {
  const name = ref.slice('env:'.length);
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  if (value !== undefined && value !== '') return value;
  throw new RollgateError(
    'SECRET_UNRESOLVED',
    `the secret ${ref} cannot be resolved: the variable ${name} is ${value === undefined ? 'not set' : 'empty'}`,
    `Set ${name} in the environment of the worker and start the worker again.`,
  );
}

async function fromFile(ref: SecretRef): Promise<string> {
  const path = ref.slice('file:'.length);
  const refuse = (seen: string): RollgateError =>
    new RollgateError(
      'SECRET_UNRESOLVED',
      `the secret ${ref} cannot be resolved: ${seen}`,
      `Put the secret into ${path} on the host of the worker, readable by the user the worker runs as.`,
    );
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'an error';
    throw refuse(`reading the file gives ${code}`);
  }
  const value = text.replace(/\r?\n$/, '');
  if (value === '') throw refuse('the file is empty');
  return value;
}

/** How a value may stand in a message: as it is, in a URL, in a form, in JSON (also twice, as in a logged error). */
function formsOf(value: string): string[] {
  const json = JSON.stringify(value).slice(1, -1);
  return [value, json, JSON.stringify(json).slice(1, -1), ...urlForms(value)];
}

function urlForms(value: string): string[] {
  // A lone surrogate has no URL form.
  if (/\p{Surrogate}/u.test(value)) return [];
  const component = encodeURIComponent(value);
  const form = new URLSearchParams([['', value]]).toString().slice(1);
  const lowerHex = (text: string): string => text.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase());
  return [component, lowerHex(component), encodeURI(value), form, lowerHex(form)];
}

const escapeForPattern = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
