// The probe's process with a system that is a file: keys are appended to <directory>/store; `outage` in the
// directory makes it refuse, `hang` makes it not answer.
import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';

const dist = process.env.ROLLGATE_DIST ?? new URL('../../dist', import.meta.url).pathname;
const { runProbe } = await import(join(dist, 'probe/process/run.js'));
const { stopSignal } = await import(join(dist, 'probe/process/stop-signal.js'));

const directory = process.env.FAKE_STORE;
const is = (name) => existsSync(join(directory, name));
const answer = async () => {
  while (is('hang')) await new Promise((resolve) => setTimeout(resolve, 10));
};
const probe = {
  connect: () => ({
    async write({ writer, seq }) {
      await answer();
      if (is('outage')) return { kind: 'refused', reason: 'outage, said canary-secret' };
      if (!is('drop')) appendFileSync(join(directory, 'store'), `${writer} ${seq}\n`);
      return { kind: 'acknowledged' };
    },
    async read() {
      if (is('outage')) throw new Error('outage');
    },
    close: async () => undefined,
  }),
};
process.exit(
  await runProbe({
    config: process.argv[2],
    system: () => ({ probe }),
    secrets: { redact: (text) => text.replaceAll('canary-secret', '[secret]') },
    stop: stopSignal(),
  }),
);
