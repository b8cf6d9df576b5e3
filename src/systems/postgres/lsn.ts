import type { Position } from '../../contracts/index.js';

/**
 * A WAL location such as `0/3000148` as a position; its offset is in bytes and exact up to 2^53 (8 PiB of WAL).
 * https://www.postgresql.org/docs/17/datatype-pg-lsn.html
 */
export function parseLsn(text: string): Position {
  const match = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(text);
  if (!match) throw new SyntaxError(`not a WAL location: ${text}`);
  return { offset: parseInt(match[1] ?? '', 16) * 2 ** 32 + parseInt(match[2] ?? '', 16), text };
}

export function formatLsn(offset: bigint): Position {
  const high = offset >> 32n;
  const low = offset & 0xffffffffn;
  return {
    offset: Number(offset),
    text: `${high.toString(16).toUpperCase()}/${low.toString(16).toUpperCase()}`,
  };
}
