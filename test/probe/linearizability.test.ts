import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  RollgateError,
  type EffectContext,
  type ProbeKey,
  type WriteLedger,
} from '../../src/contracts/index.js';
import { prepareGoTool } from '../../src/dev/etcd/binaries.js';
import { createHistoryChecker } from '../../src/probe/linearizability/checker.js';
import type { History, HistoryChecker, Operation } from '../../src/probe/linearizability/history.js';
import { createFakeStore, type Fault, type FakeStoreOptions } from './fake-store.js';
import { cluster, converse, ledgerOf, runId, seeded } from './simulated-probe.js';

const registers = 3;
const ctx: EffectContext = { runId, signal: new AbortController().signal, heartbeat: () => undefined };

let directory: string;
let checker: HistoryChecker;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rollgate-history-'));
  checker = createHistoryChecker({ program: (await prepareGoTool('linearizability')).program });
}, 300_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

/**
 * Three writers that pause longer than the reader needs for all registers: whatever a register holds after a write
 * is read before the next one.
 */
const slow = { writers: 3, writes: 12, pause: 50 };
/** Eight at once, several on each register. */
const busy = { writers: 8, writes: 60, pause: 1 };

async function run(
  fault: (key: ProbeKey) => Fault,
  conversation: { seed: number; writers: number; writes: number; pause: number },
  options: FakeStoreOptions = {},
): Promise<WriteLedger> {
  const store = createFakeStore(fault, { registers, ...options });
  const { journals, reading } = await converse(store.facet, conversation);
  return ledgerOf(journals, {
    reading,
    readBack: () => store.facet.readBack(cluster, runId),
    history: { registers, check: (history) => checker(history, ctx) },
  });
}

describe('R-PROOF-2: the whole history of writes and reads is checked for linearizability', () => {
  test('a store that takes each operation at one moment is linearizable, however many clients talk at once', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const ledger = await run(() => 'none', { seed, ...busy });
      expect(ledger).toMatchObject({ lost: 0, linearizability: { verdict: 'linearizable', registers } });
      expect(ledger.linearizability?.operations).toBe(ledger.acknowledged + ledger.reads);
    }
  });

  test('so it is when answers are lost, and writes too that nobody was promised, and when some come late', async () => {
    const faults: readonly Fault[] = ['none', 'none', 'none', 'late', 'vanish', 'refuse', 'twice', 'delayed'];
    for (let seed = 1; seed <= 20; seed++) {
      const random = seeded(seed);
      const pick = (): Fault => faults[Math.floor(random() * faults.length)] ?? 'none';
      const ledger = await run(pick, { seed, ...busy });
      expect(ledger.unknown).toBeGreaterThan(50);
      expect(ledger.linearizability, `seed ${seed}`).toMatchObject({ verdict: 'linearizable' });
      // The answers that never came are in it, the refusals are not.
      expect(ledger.linearizability?.operations).toBe(ledger.acknowledged + ledger.unknown + ledger.reads);
    }
  });

  test('control: one acknowledged write that is dropped is found by both checks in 10 of 10 runs', async () => {
    let found = 0;
    for (let seed = 1; seed <= 10; seed++) {
      const random = seeded(seed);
      const [writer, seq] = [Math.floor(random() * 3), 1 + Math.floor(random() * 11)];
      const drop = (key: ProbeKey): Fault => (key.writer === writer && key.seq === seq ? 'drop' : 'none');
      const ledger = await run(drop, { seed, ...slow });
      expect(ledger).toMatchObject({ lost: 1, lostKeys: [`${runId}/${writer}/${seq}`] });
      if (ledger.lost === 1 && ledger.linearizability?.verdict === 'violated') found += 1;
      expect((await run(() => 'none', { seed, ...slow })).linearizability?.verdict).toBe('linearizable');
    }
    expect(found).toBe(10);
  });

  test('control: a store that loses nothing and answers with older values is found in 10 of 10 runs', async () => {
    let found = 0;
    for (let seed = 1; seed <= 10; seed++) {
      const ledger = await run(() => 'none', { seed, ...slow }, { stale: (read) => read > 40 });
      expect(ledger.lost).toBe(0);
      if (ledger.linearizability?.verdict === 'violated') found += 1;
      expect(ledger.linearizability?.reason).toMatch(/register \d: no order explains .*the read of/);
    }
    expect(found).toBe(10);
  });

  test('control: a refused write that is seen all the same has no explanation', async () => {
    const keep = (key: ProbeKey): Fault => (key.writer === 1 && key.seq === 5 ? 'keep-refused' : 'none');
    const ledger = await run(keep, { seed: 1, ...slow });
    expect(ledger).toMatchObject({ resurrected: 1, linearizability: { verdict: 'violated' } });
  });

  test('a system without registers has no verdict', async () => {
    const store = createFakeStore(() => 'none');
    const { journals } = await converse(store.facet, { seed: 1, ...slow });
    const ledger = await ledgerOf(journals, { readBack: () => store.facet.readBack(cluster, runId) });
    expect(ledger.linearizability).toBeUndefined();
  });
});

describe('R-PROOF-2: what could not be checked is not claimed', () => {
  const some: Operation[] = [
    { client: 0, register: 0, kind: 'write', value: '0:1', call: 1, return: 2 },
    { client: 1, register: 0, kind: 'read', value: '0:1', call: 3, return: 4 },
  ];
  const historyOf = (operations: Iterable<Operation>): History => ({
    registers,
    operations: {
      async *[Symbol.asyncIterator]() {
        for (const operation of operations) yield await Promise.resolve(operation);
      },
    },
  });
  /** Enough to fill the pipe to a program that does not read it. */
  const many = Array.from({ length: 5000 }, (_, n): Operation => ({
    ...{ client: 0, register: 0, kind: 'write', value: `0:${n}`, call: n * 2, return: n * 2 + 1 },
  }));
  const script = async (body: string): Promise<string> => {
    const path = join(directory, `program-${Math.random().toString(36).slice(2)}`);
    await writeFile(path, `#!/bin/sh\n${body}\n`);
    await chmod(path, 0o755);
    return path;
  };

  test('without a program', async () => {
    expect(await createHistoryChecker()(historyOf(some), ctx)).toEqual({
      verdict: 'unchecked',
      operations: 2,
      registers,
      reason: 'no program that checks histories is configured',
    });
  });

  test.each([
    ['is not there', () => Promise.resolve('/nowhere/linearizability'), 'cannot run'],
    ['is on no path', () => Promise.resolve('/etc/passwd/linearizability'), 'cannot run'],
    ['ends with an error', () => script('echo "out of luck" >&2; exit 3'), 'exit code 3: out of luck'],
    ['is killed', () => script('kill -9 $$'), 'SIGKILL'],
    ['says nothing', () => script('cat >/dev/null'), 'cannot be understood'],
    ['says something else', () => script('cat >/dev/null; echo "[]"'), 'cannot be understood'],
    [
      'does not read',
      () => script('echo \'{"verdict":"linearizable","operations":5000}\''),
      'did not read the whole history',
    ],
    [
      'checked something else',
      () => script('cat >/dev/null; echo \'{"verdict":"linearizable","operations":1}\''),
      'checked 1 of 5000 operations',
    ],
    [
      'came to no verdict',
      () => script('cat >/dev/null; echo \'{"verdict":"unknown","operations":5000,"detail":"no time"}\''),
      'no time',
    ],
  ])('a program that %s', async (_, program, reason) => {
    const check = createHistoryChecker({ program: await program() });
    const answer = await check(historyOf(many), ctx);
    expect(answer).toMatchObject({ verdict: 'unchecked', operations: 5000, registers });
    expect(answer.reason).toContain(reason);
  });

  test('a history that is none is refused by the program, not judged', async () => {
    const twice = some.map((operation) => ({ ...operation, kind: 'write' as const }));
    const answer = await checker(historyOf(twice), ctx);
    expect(answer.verdict).toBe('unchecked');
    expect(answer.reason).toContain('second time');
  });

  test('no time', async () => {
    const { program } = await prepareGoTool('linearizability');
    const answer = await createHistoryChecker({ program, timeoutMs: 0.000001 })(historyOf(some), ctx);
    expect(answer).toMatchObject({
      verdict: 'unchecked',
      reason: expect.stringContaining('in time') as string,
    });
  });

  test('a journal that cannot be read any more is an error, and no verdict', async () => {
    const broken: History = {
      registers,
      operations: {
        async *[Symbol.asyncIterator]() {
          yield* many;
          await Promise.resolve();
          throw new RollgateError('PROBE_FAILED', 'gone', 'none');
        },
      },
    };
    await expect(checker(broken, ctx)).rejects.toMatchObject({ code: 'PROBE_FAILED' });
  });

  test('when the activity is cancelled the program ends with it', async () => {
    const mark = join(directory, 'pid');
    const program = await script(`echo $$ >${mark}; exec sleep 60`);
    const controller = new AbortController();
    const checking = createHistoryChecker({ program })(historyOf(some), {
      ...ctx,
      signal: controller.signal,
    });
    const pid = await eventually(async () => Number((await readFile(mark, 'utf8')).trim()));
    controller.abort(new Error('cancelled'));
    await expect(checking).rejects.toThrow('cancelled');
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  test('R-SPEC-3: the program gets nothing of the environment of the worker', async () => {
    process.env['HISTORY_CANARY'] = 'canary-secret';
    const seen = join(directory, 'environment');
    const program = await script(
      `cat >/dev/null; env >${seen}; echo '{"verdict":"linearizable","operations":2}'`,
    );
    expect((await createHistoryChecker({ program })(historyOf(some), ctx)).verdict).toBe('linearizable');
    delete process.env['HISTORY_CANARY'];
    expect(await readFile(seen, 'utf8')).not.toContain('canary-secret');
  });
});

async function eventually<T>(look: () => Promise<T>): Promise<T> {
  for (let i = 0; ; i++) {
    try {
      const found = await look();
      if (found) return found;
    } catch (error) {
      if (i > 200) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
