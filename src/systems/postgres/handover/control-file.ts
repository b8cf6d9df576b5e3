import { RollgateError, type Position } from '../../../contracts/index.js';
import { formatLsn } from '../lsn.js';

/** What a server's `global/pg_control` says; the position is the last one only of a server that is stopped. */
export interface ControlFile {
  readonly systemIdentifier: string;
  /** It was shut down as a primary, by itself, and had shipped everything. */
  readonly cleanPrimary: boolean;
  /** It was shut down as a standby, by itself. */
  readonly cleanStandby: boolean;
  /** It was a standby when this was written, running or stopped: a promotion writes before it takes writes. */
  readonly inRecovery: boolean;
  readonly timeline: number;
  /** Where the last checkpoint record begins. */
  readonly checkpoint: Position;
  /** Where a clean primary's log ends: behind the shutdown checkpoint, its last record. */
  readonly end: Position;
}

/** sizeof(CheckPoint) by pg_control_version: 13 to 16, 17, 18. A version that is not here is not guessed. */
const checkpointSizes: Readonly<Record<number, number>> = { 1300: 88, 1700: 88, 1800: 88 };
/** Where the copy of the checkpoint begins. */
const checkpointAt = 40;
/** From the end of that copy to floatFormat, a constant that the server writes to prove the layout. */
const toFloatFormat = 80;
const floatFormat = 1234567;

const dbShutdowned = 1;
const dbShutdownedInRecovery = 2;
const dbInArchiveRecovery = 5;
const walPageSize = 8192n;

/**
 * Read pg_control, as pg_controldata does. Only the fields at its head are used; the layout of each version is
 * in the source header src/include/catalog/pg_control.h, and the checksum proves that it was read right.
 *
 * @throws FORMAT_UNKNOWN for a version or a checksum that does not fit
 */
export function parseControlFile(bytes: Buffer): ControlFile {
  const version = bytes.length >= 296 ? bytes.readUInt32LE(8) : 0;
  const size = checkpointSizes[version];
  if (size === undefined) {
    throw unknownFormat(
      `pg_control has version ${version}, known are ${Object.keys(checkpointSizes).join(', ')}`,
    );
  }
  findChecksum(bytes);
  // A wrong size would give a wrong end, silently.
  if (bytes.readDoubleLE(checkpointAt + size + toFloatFormat) !== floatFormat) {
    throw unknownFormat(`pg_control of version ${version} is not laid out as on the platforms we know`);
  }
  const state = bytes.readInt32LE(16);
  const start = bytes.readBigUInt64LE(32);
  const segmentSize = findSegmentSize(bytes);
  return {
    systemIdentifier: bytes.readBigUInt64LE(0).toString(),
    cleanPrimary: state === dbShutdowned,
    cleanStandby: state === dbShutdownedInRecovery,
    inRecovery: state === dbShutdownedInRecovery || state === dbInArchiveRecovery,
    timeline: bytes.readUInt32LE(48),
    checkpoint: formatLsn(start),
    end: formatLsn(endOfRecord(start, 24n + 2n + BigInt(size), segmentSize)),
  };
}

/**
 * Where a record that begins at `start` ends: its bytes, aligned to 8, plus the header of each WAL page that it
 * runs into (24 bytes, 40 at the head of a segment).
 */
function endOfRecord(start: bigint, length: bigint, segmentSize: bigint): bigint {
  let at = start;
  let left = length;
  for (;;) {
    const room = walPageSize - (at % walPageSize);
    if (left <= room) {
      const end = at + left;
      return (end + 7n) & ~7n;
    }
    left -= room;
    at += room;
    at += at % segmentSize === 0n ? 40n : 24n;
  }
}

/** The checksum is a CRC-32C over everything before it; it lies behind the fields, at an offset of its version. */
function findChecksum(bytes: Buffer): number {
  for (let at = 200; at + 4 <= Math.min(bytes.length, 512); at += 4) {
    if (bytes.readUInt32LE(at) !== 0 && crc32c(bytes.subarray(0, at)) === bytes.readUInt32LE(at)) return at;
  }
  throw unknownFormat('the checksum of pg_control does not fit');
}

/** xlog_seg_size: the one power of two from 1 MiB to 1 GiB behind blcksz, relseg_size and xlog_blcksz. */
function findSegmentSize(bytes: Buffer): bigint {
  const end = findChecksum(bytes);
  for (let at = 128; at + 16 <= end; at += 4) {
    const [block, segment, walBlock, walSegment] = [0, 4, 8, 12].map((o) => bytes.readUInt32LE(at + o));
    if (block === undefined || segment === undefined || walBlock === undefined || walSegment === undefined)
      break;
    const power = walSegment >= 2 ** 20 && walSegment <= 2 ** 30 && (walSegment & (walSegment - 1)) === 0;
    if (walBlock === Number(walPageSize) && block >= 1024 && block <= 32768 && power)
      return BigInt(walSegment);
  }
  throw unknownFormat('pg_control names no WAL page size of 8192 bytes');
}

const table = Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0x82f63b78 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

function crc32c(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (table[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

const unknownFormat = (seen: string): RollgateError =>
  new RollgateError(
    'FORMAT_UNKNOWN',
    seen,
    'This release of rollgate cannot read where such a server stopped, so it makes no fence. Use a supported PostgreSQL version.',
  );
