import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** A record and its length: more than two small records take. */
const headBytes = 4096;
const lengthBytes = 8;
const metadataRecord = 1n;

interface Field {
  readonly number: number;
  readonly value: bigint | Buffer;
}

/**
 * Which member the data directory is, as etcd writes ids in its log: from the record at the head of each file of the
 * write-ahead log. The list of members alone does not say it, and a member that was removed is not in it.
 * https://etcd.io/docs/v3.6/learning/persistent-storage-files/, layout in
 * https://github.com/etcd-io/etcd/blob/main/server/storage/wal/encoder.go.
 * @throws Error when there is no log, or none that can be read
 */
export async function readOwnId(directory: string): Promise<string> {
  const logs = (await readdir(directory)).filter((name) => name.endsWith('.wal')).sort();
  const last = logs.at(-1);
  if (last === undefined) throw new Error(`${directory} holds no log`);
  const file = await open(join(directory, last), 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    const id = ownId(buffer.subarray(0, bytesRead));
    if (id !== undefined) return id;
    throw new Error(`${last} does not begin with the id of its member`);
  } finally {
    await file.close();
  }
}

function ownId(head: Buffer): string | undefined {
  let at = 0;
  // The first record is a checksum, the second the metadata.
  for (let i = 0; i < 2 && at + lengthBytes <= head.length; i++) {
    const length = head.readBigInt64LE(at);
    const bytes = Number(BigInt.asUintN(56, length));
    const padding = length < 0n ? Number((BigInt.asUintN(64, length) >> 56n) & 7n) : 0;
    const record = fields(head.subarray(at + lengthBytes, at + lengthBytes + bytes));
    const data = record.find((f) => f.number === 3)?.value;
    if (record.find((f) => f.number === 1)?.value === metadataRecord && Buffer.isBuffer(data)) {
      const id = fields(data).find((f) => f.number === 1)?.value;
      return typeof id === 'bigint' ? id.toString(16) : undefined;
    }
    at += lengthBytes + bytes + padding;
  }
  return undefined;
}

/** Of a protobuf message: https://protobuf.dev/programming-guides/encoding/. Numbers and bytes alone occur. */
function fields(message: Buffer): readonly Field[] {
  const found: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = Number(varint());
    const kind = tag & 7;
    if (kind !== 0 && kind !== 2) throw new Error(`a field of wire type ${kind} was not expected`);
    const value = varint();
    if (kind === 0) found.push({ number: tag >> 3, value });
    else found.push({ number: tag >> 3, value: message.subarray(at, (at += Number(value))) });
  }
  return found;
}
