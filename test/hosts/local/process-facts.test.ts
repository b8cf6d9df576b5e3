import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { until } from '../../../src/dev/postgres/until.js';
import { processFacts, processFactsFromPs } from '../../../src/hosts/local/process-facts.js';

test.each([
  ['the way of this platform', processFacts],
  ['ps', processFactsFromPs],
])('R-SAGA-1: %s tells two processes apart, sees their program, and that one is gone', async (_way, look) => {
  const began = Date.now();
  const first = spawn('sleep', ['61']);
  try {
    const facts = await look(first.pid ?? 0);
    expect(facts).toMatchObject({ pid: first.pid });
    expect(facts?.programs).toContain('sleep');
    expect(facts?.commandLine.join(' ')).toBe('sleep 61');
    expect(Math.abs((facts?.startedAt.getTime() ?? 0) - began)).toBeLessThan(5000);
    expect((await look(first.pid ?? 0))?.token).toBe(facts?.token);
    expect((await look(process.ppid))?.token).not.toBe(facts?.token);
  } finally {
    first.kill('SIGKILL');
  }
  await until('it is gone', async () => (await look(first.pid ?? 0)) === undefined);
});
