import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeSpec } from '../../../src/contracts/index.js';
import { parseControlFile, type ControlFile } from '../../../src/systems/postgres/handover/control-file.js';
import { parseLsn } from '../../../src/systems/postgres/lsn.js';
import { realCluster, until, type Real } from './fixture.js';
import { fillTo, insertPosition, pageSize, segmentSize } from './wal-position.js';

let real: Real;
beforeAll(async () => {
  real = await realCluster({ nodes: 2, synchronous: null });
  await real.sql('pg-1', "ALTER SYSTEM SET autovacuum = 'off'");
  await real.sql('pg-1', 'SELECT pg_reload_conf()');
});
afterAll(() => real.dispose());

const controlBytes = async (node: string): Promise<Buffer> => {
  const bytes = await real.host.readFile(nodeSpec(real.cluster, node), 'global/pg_control', real.ctx);
  if (!bytes) throw new Error(`${node} has no control file`);
  return bytes;
};

/** What the streaming replica has replayed, once that is all it has received. */
async function replayed(): Promise<string> {
  let at = '';
  await until('the replica has applied what it received', async () => {
    const [row] = await real.sql<{ at: string; received: string }>(
      'pg-2',
      'SELECT pg_last_wal_replay_lsn()::text AS at, pg_last_wal_receive_lsn()::text AS received',
    );
    at = row?.at ?? '';
    return row !== undefined && parseLsn(row.at).offset >= parseLsn(row.received).offset;
  });
  return at;
}

function crc32c(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

interface Stop {
  readonly control: ControlFile;
  readonly replica: string;
}

/** Stop the primary cleanly, read both sides, and start it again; the server then says what it has read itself. */
async function stopAndCompare(): Promise<Stop> {
  await real.stop('pg-1');
  const control = parseControlFile(await controlBytes('pg-1'));
  const replica = await replayed();
  await real.start('pg-1');
  await real.ready('pg-1');
  const [own] = await real.sql<{ at: string; timeline: number; identity: string }>(
    'pg-1',
    `SELECT checkpoint_lsn::text AS at, timeline_id AS timeline, system_identifier::text AS identity
       FROM pg_control_checkpoint(), pg_control_system()`,
  );
  expect(own).toEqual({
    at: control.checkpoint.text,
    timeline: control.timeline,
    identity: control.systemIdentifier,
  });
  await real.streaming('pg-1', ['pg-2']);
  return { control, replica };
}

function expectExact({ control, replica }: Stop): void {
  expect(control.cleanPrimary).toBe(true);
  expect(control.end).toEqual(parseLsn(replica));
}

/** 24 bytes of header, 2 of data header, 88 of checkpoint. */
const recordLength = 114;

/** Stop where the shutdown checkpoint begins exactly `before` bytes before the boundary. */
async function stopBefore(boundary: number, before: number): Promise<Stop> {
  for (let attempt = 0; attempt < 5; attempt++) {
    const now = await insertPosition(real, 'pg-1');
    let target = Math.ceil(now / boundary) * boundary - before;
    while (target - now < 400) target += boundary;
    if (!(await fillTo(real, 'pg-1', target))) continue;
    const stop = await stopAndCompare();
    expectExact(stop);
    if (stop.control.checkpoint.offset === target) return stop;
  }
  throw new Error(`the primary never stopped ${before} bytes before a boundary of ${boundary}`);
}

describe('R-ROLL-7: where a cleanly stopped primary ended is what its replica has applied, to the byte', () => {
  const offsets: number[] = [];

  // The record's own 114 bytes, 120 aligned: from the last 8 bytes of a page to one that just fits.
  it.each([8, 16, 24, 56, 64, 72, 88, 96, 104, 112])(
    'a checkpoint record that begins %i bytes before a page ends runs into the next page',
    async (before) => {
      const { control } = await stopBefore(pageSize, before);
      expect(control.checkpoint.offset % pageSize).toBe(pageSize - before);
      expect(control.end.offset % pageSize).toBe(24 + Math.ceil((recordLength - before) / 8) * 8);
      offsets.push(control.end.offset);
    },
  );

  it.each([120, 128, 136, 1000, 4096])(
    'a checkpoint record that begins %i bytes before a page ends fits into it',
    async (before) => {
      const { control } = await stopBefore(pageSize, before);
      expect(control.end.offset - control.checkpoint.offset).toBe(120);
      offsets.push(control.end.offset);
    },
  );

  it.each([8, 48, 96, 112])(
    'a checkpoint record that begins %i bytes before a WAL segment ends runs into the next segment',
    async (before) => {
      const { control } = await stopBefore(segmentSize, before);
      expect(control.checkpoint.offset % segmentSize).toBe(segmentSize - before);
      expect(control.end.offset % segmentSize).toBe(40 + Math.ceil((recordLength - before) / 8) * 8);
      offsets.push(control.end.offset);
    },
  );

  it('a checkpoint record that ends with its segment ends where the next one begins', async () => {
    const { control } = await stopBefore(segmentSize, 120);
    expect(control.end.offset % segmentSize).toBe(0);
    offsets.push(control.end.offset);
  });

  it('after a segment switch, and after ordinary work of any size', async () => {
    await real.sql('pg-1', 'SELECT pg_switch_wal()');
    await real.sql('pg-1', 'CREATE TABLE work (id bigserial PRIMARY KEY, text text)');
    for (let i = 0; i < 11; i++) {
      await real.sql('pg-1', "INSERT INTO work (text) SELECT repeat('y', $1) FROM generate_series(1, $2)", [
        17 * i,
        1 + 37 * i,
      ]);
      const stop = await stopAndCompare();
      expectExact(stop);
      offsets.push(stop.control.end.offset);
    }
    expect(new Set(offsets).size).toBe(31);
  });
});

describe('R-ROLL-7: what is no clean stop of a primary is no position', () => {
  it('a replica that was stopped cleanly', async () => {
    await real.stop('pg-2');
    const control = parseControlFile(await controlBytes('pg-2'));
    expect(control).toMatchObject({ cleanPrimary: false, cleanStandby: true });
    await real.start('pg-2');
    await real.ready('pg-2');
    await real.streaming('pg-1', ['pg-2']);
  });

  it('a primary that runs', async () => {
    expect(parseControlFile(await controlBytes('pg-1')).cleanPrimary).toBe(false);
  });

  it.each(['SIGKILL', 'SIGQUIT'] as const)('a primary that was ended by %s', async (signal) => {
    await real.sql('pg-1', "INSERT INTO work (text) VALUES ('not flushed by a checkpoint')");
    await real.kill('pg-1', signal);
    const control = parseControlFile(await controlBytes('pg-1'));
    expect(control).toMatchObject({ cleanPrimary: false, cleanStandby: false });
    await expect(
      real.handover.fence(real.cluster, 'pg-1', { epoch: 1, timeoutMs: 5000, pollMs: 5 }, real.ctx),
    ).rejects.toMatchObject({ code: 'FENCE_UNCLEAN' });
    // A refused fence leaves nothing that would keep the node from starting.
    expect(await real.status('pg-1')).toMatchObject({ kind: 'stopped', fenced: false });
    await real.start('pg-1');
    await real.ready('pg-1');
    const [row] = await real.sql<{ replica: boolean }>('pg-1', 'SELECT pg_is_in_recovery() AS replica');
    expect(row).toEqual({ replica: false });
  });
});

describe('R-ROLL-7: a control file that cannot be read for certain is refused', () => {
  const refused = { code: 'FORMAT_UNKNOWN' };
  const changed = async (change: (bytes: Buffer) => void): Promise<Buffer> => {
    const bytes = Buffer.from(await controlBytes('pg-1'));
    change(bytes);
    return bytes;
  };
  const parsing = (bytes: Buffer) => (): ControlFile => parseControlFile(bytes);

  it('one changed bit, anywhere in its fields', async () => {
    const whole = await controlBytes('pg-1');
    for (const at of [0, 12, 16, 33, 40, 48, 130, 200, 228, 250]) {
      const bytes = await changed((b) => b.writeUInt8(b.readUInt8(at) ^ 1, at));
      expect(bytes.equals(whole)).toBe(false);
      expect(parsing(bytes), `byte ${at}`).toThrow(expect.objectContaining(refused));
    }
  });

  it.each([0, 942, 1201, 1900, 0xffffffff])('version %i', async (version) => {
    const bytes = await changed((b) => b.writeUInt32LE(version, 8));
    expect(parsing(bytes)).toThrow(expect.objectContaining(refused));
    expect(parsing(bytes)).toThrow(new RegExp(`version ${version}`));
  });

  /** Put a field of 4 bytes in at `at`, and sum the file anew, as a server of that layout would. */
  const relaidOut = async (version: number, at: number): Promise<Buffer> => {
    const old = await controlBytes('pg-1');
    const bytes = Buffer.concat([old.subarray(0, at), Buffer.alloc(4), old.subarray(at, 8188)]);
    bytes.writeUInt32LE(version, 8);
    bytes.writeUInt32LE(crc32c(bytes.subarray(0, 292)), 292);
    return bytes;
  };

  // Version 18 has one more field, default_char_signedness, directly before the nonce:
  // https://github.com/postgres/postgres/blob/REL_18_STABLE/src/include/catalog/pg_control.h
  it('the layout of version 18 is read like that of 17', async () => {
    const [old, bytes] = [await controlBytes('pg-1'), await relaidOut(1800, 256)];
    expect(parseControlFile(bytes)).toEqual(parseControlFile(old));
  });

  it.each([40, 100, 128, 160])('a sum that fits, but one more field at byte %i', async (at) => {
    const bytes = await relaidOut(1700, at);
    expect(parsing(bytes)).toThrow(expect.objectContaining(refused));
    expect(parsing(bytes)).toThrow(/laid out/);
  });

  it('a file that was cut off, or is empty', async () => {
    const bytes = await controlBytes('pg-1');
    expect(parsing(bytes.subarray(0, 200))).toThrow(expect.objectContaining(refused));
    expect(parsing(Buffer.alloc(0))).toThrow(expect.objectContaining(refused));
    expect(parsing(Buffer.alloc(8192))).toThrow(expect.objectContaining(refused));
  });
});
