// The probe's process with a system that is a file: keys are appended to <directory>/store; `outage` in the
// directory makes it refuse, `hang` makes it not answer, `drop` makes it acknowledge and forget, `stale` makes it read
// what was there before. With FAKE_REGISTERS it has registers; what they hold is what the file says.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const dist = process.env.ROLLGATE_DIST ?? new URL('../../dist', import.meta.url).pathname;
const { runProbe } = await import(join(dist, 'probe/process/run.js'));
const { stopSignal } = await import(join(dist, 'probe/process/stop-signal.js'));

const directory = process.env.FAKE_STORE;
const is = (name) => existsSync(join(directory, name));
const answer = async () => {
  while (is('hang')) await new Promise((resolve) => setTimeout(resolve, 10));
};
const registers = process.env.FAKE_REGISTERS === undefined ? undefined : Number(process.env.FAKE_REGISTERS);
const history = Array.from({ length: registers ?? 0 }, () => []);
const set = (writer, seq) => history[writer % registers]?.push({ runId: 'run-1', writer, seq });
if (is('store')) {
  for (const line of readFileSync(join(directory, 'store'), 'utf8').trimEnd().split('\n')) {
    set(...line.split(' ').map(Number));
  }
}
const probe = {
  registers,
  connect: () => ({
    async write({ writer, seq }) {
      await answer();
      if (is('outage')) return { kind: 'refused', reason: 'outage, said canary-secret' };
      if (!is('drop')) {
        appendFileSync(join(directory, 'store'), `${writer} ${seq}\n`);
        set(writer, seq);
      }
      return { kind: 'acknowledged' };
    },
    async read(_, register) {
      if (is('outage')) throw new Error('outage');
      return history[register]?.at(is('stale') ? -20 : -1);
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
