import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RollgateError } from '../../src/contracts/index.js';
import { createSecretResolver } from '../../src/worker/secrets.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rollgate-secrets-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function failureOf(promise: Promise<unknown>): Promise<RollgateError> {
  const error: unknown = await promise.then(
    () => undefined,
    (e: unknown) => e,
  );
  if (!(error instanceof RollgateError)) throw new Error('a RollgateError was expected');
  return error;
}

describe('R-SPEC-3: references are resolved', () => {
  test('from the environment', async () => {
    expect(await createSecretResolver({ PW: 'canary-1 ' }).resolve('env:PW')).toBe('canary-1 ');
  });

  test.each([
    ['one final newline is left out', 'canary-2\n', 'canary-2'],
    ['as is one of Windows', 'canary-2\r\n', 'canary-2'],
    ['but only one', 'canary-2\n\n', 'canary-2\n'],
    ['and no other blank', ' canary-2 ', ' canary-2 '],
  ])('from a file: %s', async (_, content, value) => {
    const path = join(directory, 'pw');
    await writeFile(path, content);
    expect(await createSecretResolver({}).resolve(`file:${path}`)).toBe(value);
  });

  test('a rotated file is read again, and both values stay redacted', async () => {
    const path = join(directory, 'pw');
    const secrets = createSecretResolver({});
    await writeFile(path, 'canary-old');
    await secrets.resolve(`file:${path}`);
    await writeFile(path, 'canary-new');
    expect(await secrets.resolve(`file:${path}`)).toBe('canary-new');
    expect(secrets.redact('canary-old canary-new')).toBe('[secret] [secret]');
  });
});

describe('R-SPEC-3: what cannot be resolved names the reference and the remedy, never a value', () => {
  test.each([
    ['a variable that is not set', 'env:ABSENT', 'not set'],
    ['one that is empty', 'env:EMPTY', 'empty'],
    ['a name that every object has', 'env:toString', 'not set'],
  ])('%s', async (_, ref, seen) => {
    const env = { EMPTY: '', OTHER: 'canary-3' };
    const error = await failureOf(createSecretResolver(env).resolve(ref));
    expect(error.code).toBe('SECRET_UNRESOLVED');
    expect(error.message).toContain(ref);
    expect(error.message).toContain(seen);
    expect(error.remedy).toContain(ref.slice(4));
    expect(`${error.message} ${error.remedy}`).not.toContain('canary-3');
  });

  test('a file that is absent, empty, or a directory', async () => {
    const empty = join(directory, 'empty');
    await writeFile(empty, '\n');
    await chmod(empty, 0o600);
    for (const [path, seen] of [
      [join(directory, 'absent'), 'ENOENT'],
      [empty, 'empty'],
      [directory, 'EISDIR'],
    ] as const) {
      const error = await failureOf(createSecretResolver({}).resolve(`file:${path}`));
      expect(error.code).toBe('SECRET_UNRESOLVED');
      expect(error.message).toContain(`file:${path}`);
      expect(error.message).toContain(seen);
      expect(error.remedy).toContain(path);
    }
  });

  test('a secret given in place of a reference is not repeated', async () => {
    const error = await failureOf(createSecretResolver({}).resolve('canary-4'));
    expect(error.code).toBe('SECRET_UNRESOLVED');
    expect(JSON.stringify([error.message, error.remedy, error.stack])).not.toContain('canary-4');
  });
});

describe('R-SPEC-3: redact', () => {
  const value = 'p@ss"w\\ö rd/+$1';

  test('takes out the value as it is, in URLs and in JSON', async () => {
    const secrets = createSecretResolver({ PW: value });
    await secrets.resolve('env:PW');
    const texts = [
      value,
      encodeURIComponent(value),
      encodeURIComponent(value).replace(/%../g, (e) => e.toLowerCase()),
      encodeURI(value),
      new URLSearchParams({ pw: value }).toString(),
      JSON.stringify({ pw: value }),
      JSON.stringify({ line: JSON.stringify({ pw: value }) }),
    ];
    for (const text of texts) {
      const redacted = secrets.redact(`before ${text} after ${text}`);
      expect(redacted).toContain('[secret]');
      expect(redacted.match(/\[secret\]/g)).toHaveLength(2);
      expect(redacted).not.toMatch(/ss.{0,4}w/);
    }
  });

  test('leaves text alone while nothing is resolved, and for values below four characters', async () => {
    const secrets = createSecretResolver({ SHORT: 'abc' });
    expect(secrets.redact('abc and more')).toBe('abc and more');
    await secrets.resolve('env:SHORT');
    expect(secrets.redact('abc and more')).toBe('abc and more');
  });

  test('one secret that is part of another leaves no rest of the longer one', async () => {
    const secrets = createSecretResolver({ A: 'canary', B: 'canary-and-more' });
    await secrets.resolve('env:A');
    await secrets.resolve('env:B');
    expect(secrets.redact('x canary-and-more y canary z')).toBe('x [secret] y [secret] z');
  });
});
