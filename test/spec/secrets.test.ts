import { describe, expect, test } from 'vitest';
import { parseSpecs, SpecError } from '../../src/spec/index.js';
import { showValue } from '../../src/spec/show-value.js';

/** What must never appear in a message, wherever in the file it stands. */
const canary = 'hunter2Canary';

const withSettings = (settings: string, address = '127.0.0.1:5431'): string => `apiVersion: rollgate/v1
kind: Cluster
metadata: { name: orders }
spec:
  system: postgres
  settings:
    user: rollgate
${settings}
  nodes:
    - id: pg-1
      address: "${address}"
      host: { kind: local, directory: /srv/pg-1 }
`;

const texts: Record<string, string> = {
  'a plain password': withSettings(`    password: ${canary}`),
  'a quoted password': withSettings(`    password: "${canary}"`),
  'a reference with a secret in it': withSettings(`    password: "env:${canary}!"`),
  'a password that is a map': withSettings(`    password: { ${canary}: 1 }`),
  'a password under a mistyped key': withSettings(`    pasword: ${canary}`),
  'a password without a space after the colon': withSettings('').replace(
    'settings:\n    user: rollgate\n',
    `settings: { user: rollgate, password:${canary} }\n`,
  ),
  'a password that YAML takes for an alias': withSettings(`    password: *${canary}`),
  'a password that YAML takes for a tag': withSettings(`    password: !${canary} x`),
  'a password with a colon': withSettings(`    password: a: ${canary}`),
  'a password with a quote left open': withSettings(`    password: "${canary}`),
  'a password in an address': withSettings('', `postgres://rollgate:${canary}@db:5432/orders`),
  'a password beside other problems': withSettings(`    password: ${canary}\n    database: [${canary}]`),
  'a key instead of the name of its file': withSettings(`    tls: { key: [${canary}] }`),
};

describe('R-SPEC-3: no secret is ever in an error message', () => {
  test.each(Object.entries(texts))('%s', (_, text) => {
    expect(text).toContain(canary);
    let error: unknown;
    try {
      parseSpecs([{ file: 'cluster.yaml', text }]);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(SpecError);
    if (!(error instanceof SpecError)) return;
    const everything = [error.message, error.remedy, error.stack, JSON.stringify(error.problems)].join('\n');
    expect(everything).not.toContain(canary);
    expect(everything).not.toContain(String(canary.length) + ' characters');
  });

  test('a password that is no reference: what to write instead', () => {
    expect(() => parseSpecs([{ file: 'c.yaml', text: texts['a plain password'] ?? '' }])).toThrow(
      /c\.yaml:8:15 spec\.settings\.password: found text that is no reference to a secret; needs a reference such as env:NAME/,
    );
  });

  test('a number as password is not shown either', () => {
    const text = withSettings('    password: 81349772');
    expect(() => parseSpecs([{ file: 'c.yaml', text }])).toThrow(/a number that is not shown/);
    expect(() => parseSpecs([{ file: 'c.yaml', text }])).not.toThrow(/81349772/);
  });

  test.each([
    ['settings', 'password'],
    ['settings', 'apiKey'],
    ['tls', 'key', 0],
    ['settings', 'auth_token'],
  ])('no value below a key that names a secret: %s %s', (...path) => {
    for (const value of [canary, 81349772, true]) expect(showValue(value, path)).not.toContain(String(value));
  });

  test.each([`https://host/${canary}`, `user:${canary}@host`, canary.repeat(5), `${canary}\n`])(
    'no text that may hold a secret, wherever it stands: %j',
    (value) => expect(showValue(value, ['spec', 'address'])).not.toContain(canary),
  );

  test('what cannot be a secret is shown', () => {
    expect(showValue('db-1:5432', ['spec', 'address'])).toBe('"db-1:5432"');
    expect(showValue(17.1, ['spec', 'to'])).toBe('the number 17.1');
  });
});
