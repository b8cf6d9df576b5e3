import { open, type FileHandle } from 'node:fs/promises';

/**
 * The parts of bbolt's file format that are needed to read one small bucket, without a lock and without a change:
 * https://github.com/etcd-io/bbolt/blob/main/internal/common/page.go. Only for the file of a stopped etcd.
 */
export interface Database {
  /** The value of every key of a bucket at the top; `undefined`: there is no such bucket. */
  bucket(name: string): Promise<ReadonlyMap<string, Buffer> | undefined>;
}

const magic = 0xed0cdaed;
const formatVersion = 2;
const headerBytes = 16;
const metaBytes = 64;
const elementBytes = 16;
const isBranch = 0x01;
const isLeaf = 0x02;
const isBucket = 0x01;
/** A tree of etcd's sizes is far less deep. */
const deepest = 32;
/** Of one page with what overflows of it; a value is at most 1.5 MiB by default. */
const largestPage = 1024 * 1024 * 1024;

interface Meta {
  readonly pageSize: number;
  readonly root: bigint;
  readonly transaction: bigint;
}

interface Entry {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly bucket: boolean;
}

/** Read a database file. @throws Error when it is none, or is damaged where it was looked at */
export async function readDatabase<T>(path: string, use: (database: Database) => Promise<T>): Promise<T> {
  const file = await open(path, 'r');
  try {
    const meta = await readMeta(file);
    return await use({
      async bucket(name) {
        for await (const entry of entries(file, meta, meta.root, 0)) {
          if (entry.bucket && entry.key.toString() === name) return contents(file, meta, entry.value);
        }
        return undefined;
      },
    });
  } finally {
    await file.close();
  }
}

async function contents(file: FileHandle, meta: Meta, value: Buffer): Promise<ReadonlyMap<string, Buffer>> {
  const found = new Map<string, Buffer>();
  const root = value.readBigUInt64LE(0);
  // A small bucket has its only page in its own entry.
  const inside = root === 0n ? inPage(value.subarray(headerBytes)) : entries(file, meta, root, 0);
  for await (const { key, value: of } of inside) found.set(key.toString(), of);
  return found;
}

/** There are two, written in turn; the one of the later transaction counts, unless its write was cut off. */
async function readMeta(file: FileHandle): Promise<Meta> {
  const found: Meta[] = [];
  // The second is one page on, and the size of a page is that of the system it was made on.
  for (const at of [0, 4096, 8192, 16384, 32768, 65536]) {
    const buffer = Buffer.alloc(headerBytes + metaBytes);
    // A file may end before a place where the second could be.
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    const meta = bytesRead === buffer.length ? metaOf(buffer.subarray(headerBytes)) : undefined;
    if (meta) found.push(meta);
  }
  const [best] = found.sort((a, b) => (a.transaction < b.transaction ? 1 : -1));
  if (best) return best;
  throw new Error('it is not a database of bbolt, or both of its meta pages are damaged');
}

function metaOf(page: Buffer): Meta | undefined {
  if (page.readUInt32LE(0) !== magic || page.readUInt32LE(4) !== formatVersion) return undefined;
  if (fnv1a(page.subarray(0, 56)) !== page.readBigUInt64LE(56)) return undefined;
  return {
    pageSize: page.readUInt32LE(8),
    root: page.readBigUInt64LE(16),
    transaction: page.readBigUInt64LE(48),
  };
}

async function* entries(file: FileHandle, meta: Meta, id: bigint, depth: number): AsyncGenerator<Entry> {
  if (depth > deepest) throw new Error('its tree has no end');
  const page = await readPage(file, meta, id);
  const flags = page.readUInt16LE(8);
  if ((flags & isLeaf) !== 0) {
    yield* inPage(page);
    return;
  }
  if ((flags & isBranch) === 0) throw new Error(`page ${id} is neither a branch nor a leaf`);
  for (let i = 0; i < page.readUInt16LE(10); i++) {
    yield* entries(file, meta, page.readBigUInt64LE(headerBytes + i * elementBytes + 8), depth + 1);
  }
}

function* inPage(page: Buffer): Generator<Entry> {
  for (let i = 0; i < page.readUInt16LE(10); i++) {
    const at = headerBytes + i * elementBytes;
    const [flags, position] = [page.readUInt32LE(at), page.readUInt32LE(at + 4)];
    const [keyBytes, valueBytes] = [page.readUInt32LE(at + 8), page.readUInt32LE(at + 12)];
    const start = at + position;
    if (start + keyBytes + valueBytes > page.length) throw new Error('an entry ends outside its page');
    yield {
      key: page.subarray(start, start + keyBytes),
      value: page.subarray(start + keyBytes, start + keyBytes + valueBytes),
      bucket: (flags & isBucket) !== 0,
    };
  }
}

async function readPage(file: FileHandle, { pageSize }: Meta, id: bigint): Promise<Buffer> {
  const at = Number(id) * pageSize;
  const header = await readAt(file, at, headerBytes);
  if (header.readBigUInt64LE(0) !== id) throw new Error(`page ${id} is not where it should be`);
  const bytes = (header.readUInt32LE(12) + 1) * pageSize;
  if (bytes > largestPage) throw new Error(`page ${id} is larger than ${largestPage} bytes`);
  return readAt(file, at, bytes);
}

async function readAt(file: FileHandle, at: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes);
  const { bytesRead } = await file.read(buffer, 0, bytes, at);
  if (bytesRead < bytes) throw new Error(`it ends at ${at + bytesRead}, before its pages do`);
  return buffer;
}

function fnv1a(bytes: Buffer): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return hash;
}
