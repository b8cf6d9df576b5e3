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
  | 'twice';

/** A data system in memory whose faults are chosen write by write; it counts what the ledger must find. */
export function createFakeStore(fault: (key: ProbeKey) => Fault) {
  const keys: ProbeKey[] = [];
  const done: { key: ProbeKey; fault: Fault }[] = [];
  const client: ProbeClient = {
    write(key) {
      const chosen = fault(key);
      done.push({ key, fault: chosen });
      if (chosen === 'none' || chosen === 'late' || chosen === 'keep-refused') keys.push(key);
      if (chosen === 'twice') keys.push(key, key);
      switch (chosen) {
        case 'late':
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
    read: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  const facet: ProbeFacet = {
    connect: () => client,
    async *readBack(_, runId) {
      for (const key of keys) if (key.runId === runId) yield await Promise.resolve(key);
    },
  };
  const count = (...faults: Fault[]): number => done.filter((d) => faults.includes(d.fault)).length;
  return { facet, done, count };
}
