import type { EffectContext } from '../../contracts/index.js';

/** For the calls of the host with which a sample cluster is made and controlled. */
export const etcdSampleContext: EffectContext = {
  signal: new AbortController().signal,
  heartbeat: () => undefined,
  runId: 'sample',
};
