import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { until } from '../../../src/dev/postgres/until.js';
import { serverFixture, type ServerFixture } from './server-fixture.js';

let f: ServerFixture;
beforeEach(async () => {
  f = await serverFixture();
  await f.install();
});
afterEach(() => f.dispose());

const status = () => f.host.status(f.node, f.launch(), f.ctx);

test('R-ROLL-7: a fenced node is not started until the fence is lifted', async () => {
  await f.host.setFence(f.node, 'run-1', f.ctx);
  await f.host.setFence(f.node, 'run-1', f.ctx);
  expect(await status()).toMatchObject({ kind: 'stopped', fenced: true });
  const starting = f.host.start(f.node, f.launch(), f.ctx);
  await expect(starting).rejects.toMatchObject({ code: 'HOST_FENCED' });
  await expect(starting).rejects.toThrow('held by the fence of run-1');
  expect(await status()).toMatchObject({ kind: 'stopped' });

  await f.host.setFence(f.node, undefined, f.ctx);
  await f.host.setFence(f.node, undefined, f.ctx);
  await f.host.start(f.node, f.launch(), f.ctx);
  expect(await status()).toMatchObject({ kind: 'running' });
  expect(await f.actions()).toEqual(['install', 'fence', 'unfence', 'start']);
});

test('R-ROLL-7: a fence set while a start is under way ends in a stopped node, at whatever moment it comes', async () => {
  let refused = 0;
  for (let delay = 0; delay < 24; delay += 2) {
    const starting = f.host.start(f.node, f.launch(), f.ctx).then(
      () => 'started',
      () => 'refused',
    );
    await sleep(delay);
    await f.host.setFence(f.node, 'run-1', f.ctx);
    const seen = await status();
    const result = await starting;
    if (result === 'refused') {
      refused++;
      await until('it is withdrawn', async () => (await status()).kind === 'stopped');
    } else {
      // Started before the fence was looked at for the last time: then whoever has set the fence sees the process.
      expect(seen.kind).toBe('running');
      await f.host.stop(f.node, f.launch(), { timeoutMs: 5000, pollMs: 10 }, f.ctx);
    }
    await sleep(50);
    expect((await status()).kind).toBe('stopped');
    await f.host.setFence(f.node, undefined, f.ctx);
  }
  expect(refused).toBeGreaterThan(0);
});
