import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rollgate } from './support/rollgate.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'rollgate-usage-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const commands = [
  'plan',
  'start',
  'watch',
  'status',
  'list',
  'form',
  'pause',
  'resume',
  'approve',
  'reject',
  'retry',
  'skip',
  'rollback',
  'abort',
  'report',
  'schema',
  'doctor',
  'worker',
  'digest',
];

describe('R-SPEC-2: what the user got wrong ends with exit code 2 and says what to do', () => {
  it.each([
    ['an unknown command', ['upgrade']],
    ['an unknown option', ['status', 'orders', '--verbose']],
    ['a missing argument', ['status']],
    ['a missing file', ['plan']],
    ['a time that is none', ['watch', 'orders', '--timeout', 'soon']],
    ['a form of output that is none', ['list', '-o', 'yaml']],
    ['a count that is none', ['list', '--limit', '0']],
    ['a kind that is none', ['schema', 'Clusters']],
    ['too many arguments', ['status', 'orders', 'payments']],
    ['a phase that is none', ['list', '--phase', 'done']],
    ['an unknown command of form', ['form', 'grow']],
    ['form without a file', ['form', 'init']],
    ['a stage that is none', ['form', 'plan', '-f', 'x.yaml', '--stage', 'grow']],
    ['form report without a cluster', ['form', 'report']],
  ])('%s', async (_, argv) => {
    const { code, stdout, stderr } = await rollgate(argv);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^error USAGE: .+\n {2}remedy: .+\n$/s);
    expect(stderr).not.toContain('    at ');
  });

  it('no command at all shows the help on stderr', async () => {
    const { code, stdout, stderr } = await rollgate([]);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    for (const command of commands) expect(stderr).toContain(`\n  ${command} `);
  });

  it('tells every problem of a spec on one line with file, line and key', async () => {
    const file = join(directory, 'bad.yaml');
    writeFileSync(
      file,
      'apiVersion: rollgate/v1\nkind: RollingUpgrade\nmetadata: { name: u }\nspec:\n  cluster: orders\n  to: "17.10"\n  soaak: 2s\n  poll: fast\n',
    );
    const { code, stdout, stderr } = await rollgate(['plan', '-f', file]);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    const lines = stderr.split('\n');
    expect(lines[0]).toMatch(/^error SPEC_INVALID: \d+ problems in the spec$/);
    expect(lines).toContainEqual(expect.stringMatching(/^\S+bad\.yaml:7:\d+ spec.*soaak/));
    expect(lines).toContainEqual(expect.stringMatching(/^\S+bad\.yaml:8:\d+ spec\.poll: /));
  });

  it('with -o json the error is on stdout too, also a wrong option', async () => {
    const missing = await rollgate(['plan', '-f', join(directory, 'none.yaml'), '-o', 'json']);
    expect(missing.code).toBe(2);
    expect(JSON.parse(missing.stdout)).toMatchObject({
      error: { code: 'SPEC_UNREADABLE', problems: [{ message: 'there is no such file' }] },
      exitCode: 2,
    });
    const wrong = await rollgate(['--output=ndjson', 'status']);
    expect(wrong.stdout.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(wrong.stdout)).toMatchObject({ error: { code: 'USAGE' }, exitCode: 2 });
  });
});

const formCommands = [
  'plan',
  'init',
  'serve',
  'expand',
  'transfer-leader',
  'remove-member',
  'run',
  'status',
  'report',
  'rollback',
];

describe('help is data and no error', () => {
  it.each(['--help', '--version'])('%s', async (flag) => {
    const { code, stdout, stderr } = await rollgate([flag]);
    expect(code).toBe(0);
    expect(stdout).not.toBe('');
    expect(stderr).toBe('');
  });

  it.each(commands)('%s --help names the options of every command', async (command) => {
    const { code, stdout } = await rollgate([command, '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain(`Usage: rollgate ${command}`);
    expect(stdout).toContain('--output');
  });
});

describe('R-FORM-1: rollgate form', () => {
  it('alone shows its commands on stderr and is a wrong call', async () => {
    const { code, stdout, stderr } = await rollgate(['form']);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    for (const command of formCommands) expect(stderr).toContain(`\n  ${command} `);
    expect(stderr).toContain('error USAGE: a command is missing');
    const json = await rollgate(['form', '-o', 'json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ error: { code: 'USAGE' }, exitCode: 2 });
  });

  it.each(formCommands)('%s --help', async (command) => {
    const { code, stdout, stderr } = await rollgate(['form', command, '--help']);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    expect(stdout).toContain(`Usage: rollgate form ${command}`);
    for (const option of ['--file', '--formation', '--output']) expect(stdout).toContain(option);
  });

  it.each(['init', 'serve', 'expand', 'transfer-leader', 'remove-member', 'run', 'rollback'])(
    '%s is followed as start is',
    async (command) => {
      const { stdout } = await rollgate(['form', command, '--help']);
      for (const option of ['--wait', '--timeout', '--exit-on-approval']) expect(stdout).toContain(option);
    },
  );
});

describe('commands that need no Temporal', () => {
  it('R-SPEC-2: schema prints the JSON Schema of one kind or of all', async () => {
    const all = await rollgate(['schema']);
    expect(all.code).toBe(0);
    expect(JSON.parse(all.stdout)).toHaveProperty('$schema');
    const one = await rollgate(['schema', 'Cluster', '-o', 'ndjson']);
    expect(one.stdout.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(one.stdout)).toMatchObject({ title: 'rollgate Cluster' });
  });

  it('R-SAFE-3: digest prints what a cluster file names, and refuses what is no directory', async () => {
    writeFileSync(join(directory, 'program'), 'x');
    const { code, stdout } = await rollgate(['digest', directory]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^[0-9a-f]{64}\n$/);
    expect(await rollgate(['digest', join(directory, 'absent')])).toMatchObject({ code: 2, stdout: '' });
  });
});
