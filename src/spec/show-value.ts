import type { Path } from './document.js';

const secretWords = /pass(word|wd|phrase)?|pwd|secret|token|credential|key|private|auth|salt/i;

/** Whether a value at this path may be a secret: such values are never shown. */
export const looksSecret = (path: Path): boolean =>
  path.some((part) => typeof part === 'string' && secretWords.test(part));

/**
 * What was found, for a message. The value itself is shown only where it cannot be a secret: not below a key
 * that names one, and no text that could hold one (a URL with a password, a long opaque string).
 */
export function showValue(value: unknown, path: Path): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'nothing (the value is empty)';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  const type = typeof value === 'string' ? 'text' : `a ${typeof value}`;
  if (looksSecret(path)) return `${type} that is not shown`;
  if (typeof value === 'number' || typeof value === 'boolean') return `the ${typeof value} ${value}`;
  if (typeof value !== 'string') return type;
  if (value === '') return 'an empty text';
  return /^[A-Za-z0-9 _.,:/+-]{1,48}$/.test(value) && !value.includes('://')
    ? `"${value}"`
    : `${type} of ${value.length} characters`;
}

/** A key as it may be shown: `password:x` without a space is one key in YAML, and its end is not shown. */
export function showKey(key: string): string {
  if (/^[A-Za-z0-9_.-]{1,40}$/.test(key)) return `"${key}"`;
  const name = /^([A-Za-z0-9_.-]{1,40})[:=]/.exec(key)?.[1];
  return name === undefined ? `of ${key.length} characters` : `that begins with "${name}"`;
}
