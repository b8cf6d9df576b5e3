import { expect, test, vi } from 'vitest';
import { findTemporal } from '../../src/dev/temporal/binary.js';
test('no go', async () => {
  vi.stubEnv('XDG_CACHE_HOME', '/tmp/xdg-rollgate'); vi.stubEnv('PATH', '/nowhere');
  await expect(findTemporal(() => undefined)).rejects.toThrow(/TEMPORAL_ADDRESS is not set.*Go/);
});
test('go', async () => {
  vi.unstubAllEnvs(); vi.stubEnv('XDG_CACHE_HOME', '/tmp/xdg-rollgate');
  console.log(await findTemporal((l) => console.log(l)));
}, 580000);
