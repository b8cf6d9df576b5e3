import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { ClusterSpec, EffectContext, NodeId } from '../../../contracts/index.js';
import type { EtcdClient } from '../client.js';

/** Of the SHA-256 that follows the data. */
const digestBytes = 32;
/** The data are pages; etcdutl knows by this that a digest follows (`hasChecksum` in etcdutl/snapshot/v3_snapshot.go). */
const sectorBytes = 512;
/** Between two parts of the stream. */
const silenceMs = 30_000;

const Part = z.looseObject({ blob: z.base64().default(''), remaining_bytes: z.coerce.number().default(0) });

export interface SnapshotFile {
  readonly bytes: number;
  /** Of the whole file. */
  readonly sha256: string;
}

/**
 * Stream a snapshot from one member to `path`, flushed and complete:
 * https://etcd.io/docs/v3.6/op-guide/recovery/#snapshotting-the-keyspace.
 * @throws Error when what came is not a whole snapshot; nothing is left at `path` then
 */
export async function fetchSnapshot(
  client: EtcdClient,
  cluster: ClusterSpec,
  node: NodeId,
  path: string,
  ctx: EffectContext,
): Promise<SnapshotFile> {
  await rm(path, { force: true });
  // It holds everything that the cluster does.
  const file = await open(path, 'wx', 0o600);
  try {
    try {
      let bytes = 0;
      const options = { signal: ctx.signal, timeoutMs: silenceMs };
      for await (const part of client.stream(cluster, node, '/v3/maintenance/snapshot', {}, Part, options)) {
        const blob = Buffer.from(part.blob, 'base64');
        await file.writeFile(blob);
        bytes += blob.length;
        ctx.heartbeat({ from: node, bytes, remaining: part.remaining_bytes });
      }
      await file.sync();
    } finally {
      await file.close();
    }
    return await inspectSnapshot(path, ctx);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

/** @throws Error when it is not a whole snapshot */
export async function inspectSnapshot(path: string, ctx: EffectContext): Promise<SnapshotFile> {
  const { size } = await stat(path);
  const dataBytes = size - digestBytes;
  if (dataBytes <= 0 || dataBytes % sectorBytes !== 0) {
    throw new Error(
      `${path} has ${size} bytes, which is not whole pages and a digest of ${digestBytes} bytes`,
    );
  }
  const whole = createHash('sha256');
  const data = createHash('sha256');
  let read = 0;
  let tail = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    const part = chunk as Buffer;
    whole.update(part);
    const ofData = Math.max(0, Math.min(part.length, dataBytes - read));
    data.update(part.subarray(0, ofData));
    tail = Buffer.concat([tail, part.subarray(ofData)]);
    read += part.length;
    ctx.signal.throwIfAborted();
    ctx.heartbeat({ checking: path, bytes: read });
  }
  const found = data.digest();
  if (!found.equals(tail)) {
    throw new Error(
      `${path} ends in the digest ${tail.toString('hex')}, but its data has ${found.toString('hex')}`,
    );
  }
  return { bytes: size, sha256: whole.digest('hex') };
}

/** @returns `undefined` when there is no such file */
export async function digestFile(path: string, ctx: EffectContext): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
      hash.update(chunk as Buffer);
      ctx.signal.throwIfAborted();
      ctx.heartbeat({ checking: path });
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  return hash.digest('hex');
}

/** Give a finished file its name, so that it is there as a whole or not at all. */
export async function publish(partial: string, path: string): Promise<void> {
  await rename(partial, path);
  const directory = await open(dirname(path), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
