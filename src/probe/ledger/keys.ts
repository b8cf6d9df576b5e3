import { RollgateError, type ProbeKey } from '../../contracts/index.js';
import type { AttemptKind } from '../journal/line.js';

/** What became of each write, one byte a write: ten million writes take 10 MB. */
export interface KeyTable {
  record(writer: number, seq: number, kind: AttemptKind): void;
  /** The cluster holds it. @returns false for a key that no journal knows */
  present(key: ProbeKey): boolean;
  tally(): Tally;
  /** Acknowledged and not there, once everything that is there is known. */
  isLost(writer: number, seq: number): boolean;
}

export interface Tally {
  readonly acknowledged: number;
  readonly lost: number;
  readonly unknown: number;
  readonly resurrected: number;
  readonly lostKeys: readonly string[];
}

const codes = { intent: 1, acknowledged: 2, refused: 3, unknown: 4 } as const;
const presentBit = 8;
const shownKeys = 100;
/** A bound on memory, far above what a probe can write in the lifetime of its lease. */
const mostKeys = 2 ** 30;

export function createKeyTable(runId: string, writers: number): KeyTable {
  const tables = Array.from({ length: writers }, () => ({ codes: new Uint8Array(1024), last: 0 }));

  return {
    record(writer, seq, kind) {
      const table = tables[writer];
      if (!table || seq < 1 || seq > mostKeys) {
        throw new RollgateError(
          'PROBE_FAILED',
          `write ${seq} of writer ${writer} is outside of what a ledger holds (${writers} writers, ${mostKeys} writes each)`,
          'Use a longer probe interval for a run of this length.',
        );
      }
      while (seq >= table.codes.length) table.codes = grown(table.codes);
      table.codes[seq] = codes[kind];
      table.last = Math.max(table.last, seq);
    },
    present({ writer, seq }) {
      const table = tables[writer];
      const code = table?.codes[seq];
      if (!table || code === undefined || code === 0) return false;
      table.codes[seq] = code | presentBit;
      return true;
    },
    tally() {
      let [acknowledged, lost, unknown, resurrected] = [0, 0, 0, 0];
      const lostKeys: string[] = [];
      tables.forEach((table, writer) => {
        for (let seq = 1; seq <= table.last; seq++) {
          const code = table.codes[seq] ?? 0;
          const isPresent = (code & presentBit) !== 0;
          switch (code & ~presentBit) {
            case codes.acknowledged:
              acknowledged += 1;
              if (isPresent) break;
              lost += 1;
              if (lostKeys.length < shownKeys) lostKeys.push(`${runId}/${writer}/${seq}`);
              break;
            case codes.refused:
              if (isPresent) resurrected += 1;
              break;
            default:
              unknown += 1;
          }
        }
      });
      return { acknowledged, lost, unknown, resurrected, lostKeys };
    },
    isLost: (writer, seq) => tables[writer]?.codes[seq] === codes.acknowledged,
  };
}

function grown(codesSoFar: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(codesSoFar.length * 2);
  larger.set(codesSoFar);
  return larger;
}
