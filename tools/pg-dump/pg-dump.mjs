#!/usr/bin/env node
// pg_dump 18 for a real server, without a system package: `node pg-dump.mjs <arguments of pg_dump>`.
//
// The program is PostgreSQL's own, compiled to WebAssembly, where it can open no socket. It runs in a worker thread
// (dump-worker.mjs) and talks to the server through a connection that this thread opens and authenticates (relay.mjs).
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { understand, UsageError } from './arguments.mjs';
import { connect } from './connect.mjs';
import { createRelay } from './relay.mjs';

const usage = `pg_dump dumps the definitions of a PostgreSQL database as an SQL script.
Usage: pg_dump [OPTION]...
Connection: --host, --port, --username, --dbname (a name, a URI or keywords), --no-password, and the variables of libpq.
Output: --file; otherwise standard output. Plain format in UTF-8 only, rows as INSERT. Every other option as in PostgreSQL 18.
`;

try {
  const wanted = understand(process.argv.slice(2));
  if (wanted.kind === 'version') await print(`${await version()}\n`);
  else if (wanted.kind === 'help') await print(usage);
  else await dump(wanted);
} catch (error) {
  const { message, exitCode = 1 } = error;
  process.stderr.write(/^pg_dump: /.test(message) ? `${message}\n` : `pg_dump: error: ${message}\n`);
  if (error instanceof UsageError)
    process.stderr.write('pg_dump: hint: Try "pg_dump --help" for more information.\n');
  process.exitCode = exitCode;
}

async function dump({ connection, file, passedOn }) {
  const session = await connect(connection);
  try {
    const sql = await runWorker(session, [...passedOn, `--dbname=${session.database}`]);
    if (file === undefined) await print(sql);
    else await writeFile(file, sql);
  } finally {
    session.socket.destroy();
  }
}

async function runWorker({ socket, greeting }, args) {
  const { port1: ours, port2: theirs } = new MessageChannel();
  const answered = new Int32Array(new SharedArrayBuffer(4));
  const relay = createRelay(socket, (answer) => {
    // Both in this order: the worker sleeps until the second, and takes the first then.
    ours.postMessage(answer);
    Atomics.store(answered, 0, 1);
    Atomics.notify(answered, 0);
  });
  ours.on('message', relay.ask);
  const worker = new Worker(new URL('dump-worker.mjs', import.meta.url), {
    workerData: { port: theirs, answered, greeting, args },
    transferList: [theirs],
  });
  try {
    return await new Promise((resolve, reject) => {
      worker.on('message', ({ sql, failure, exitCode }) =>
        failure === undefined ? resolve(sql) : reject(Object.assign(new Error(failure), { exitCode })),
      );
      worker.on('error', reject);
      worker.on('exit', (code) => reject(new Error(`the worker ended with ${code} and without a dump`)));
    });
  } finally {
    ours.close();
    await worker.terminate();
  }
}

/** As the program would print it, from its own text: its standard output does not reach us. */
async function version() {
  const program = new URL('pg_dump.wasm', import.meta.resolve('@electric-sql/pglite-tools/pg_dump'));
  const [found] =
    /pg_dump \(PostgreSQL\) \d+(\.\d+)*/.exec(await readFile(fileURLToPath(program), 'latin1')) ?? [];
  if (found === undefined) throw new Error(`${program} does not tell its version`);
  return found;
}

async function print(text) {
  await new Promise((resolve, reject) => {
    process.stdout.once('error', reject);
    process.stdout.write(text, resolve);
  });
}
