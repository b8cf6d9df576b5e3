import type { ProbeClient, ProbeFacet, ProbeKey } from '../../src/contracts/index.js';

export type Fault =
  | 'none'
  /** Acknowledged, and never stored: the loss that a ledger exists to find. */
  | 'drop'
  /** Stored, and the answer does not come. */
  | 'late'
  /** Neither stored nor answered. */
  | 'vanish'
  | 'refuse'
  /** Refused, and stored all the same. */
  | 'keep-refused'
  /** Stored twice. */
  | 'twice'
  /** Not answered, and stored some operations later. */
  | 'delayed';

export interface FakeStoreOptions {
  readonly registers?: number;
  /** Whether this read of a register, counted from 1, sees the value before the last one. */
  readonly stale?: (read: number) => boolean;
}

/** How many operations later. */
const delay = 7;

/** A data system in memory whose faults are chosen write by write; it counts what the ledger must find. */
export function createFakeStore(fault: (key: ProbeKey) => Fault, options: FakeStoreOptions = {}) {
  const { registers, stale = () => false } = options;
  const keys: ProbeKey[] = [];
  const done: { key: ProbeKey; fault: Fault }[] = [];
  const history = new Map<number, ProbeKey[]>();
  const underWay: { key: ProbeKey; at: number }[] = [];
  let operations = 0;
  let reads = 0;
  const set = (key: ProbeKey): void => {
    if (registers === undefined) return;
    const register = key.writer % registers;
    history.set(register, [...(history.get(register) ?? []), key]);
  };
  const store = (key: ProbeKey): void => {
    keys.push(key);
    set(key);
  };
  const tick = (): void => {
    operations += 1;
    while (underWay[0] && underWay[0].at <= operations) {
      const arrived = underWay.shift();
      if (arrived) store(arrived.key);
    }
  };
  const client: ProbeClient = {
    write(key) {
      tick();
      const chosen = fault(key);
      done.push({ key, fault: chosen });
      if (chosen === 'none' || chosen === 'late' || chosen === 'keep-refused') store(key);
      if (chosen === 'delayed') underWay.push({ key, at: operations + delay });
      if (chosen === 'twice') {
        store(key);
        keys.push(key);
      }
      switch (chosen) {
        case 'late':
        case 'delayed':
        case 'vanish':
          return Promise.resolve({ kind: 'unknown', reason: 'no answer' });
        case 'refuse':
        case 'keep-refused':
          return Promise.resolve({ kind: 'refused', reason: 'no' });
        case 'none':
        case 'drop':
        case 'twice':
          return Promise.resolve({ kind: 'acknowledged' });
      }
    },
    read(_, register) {
      tick();
      reads += 1;
      return Promise.resolve(history.get(register)?.at(stale(reads) ? -2 : -1));
    },
    close: () => Promise.resolve(),
  };
  const facet: ProbeFacet = {
    registers,
    connect: () => client,
    async *readBack(_, runId) {
      for (const key of keys) if (key.runId === runId) yield await Promise.resolve(key);
    },
  };
  const count = (...faults: Fault[]): number => done.filter((d) => faults.includes(d.fault)).length;
  return { facet, done, count };
}
