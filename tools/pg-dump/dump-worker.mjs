// Runs the program, which wants its answers at once: this thread sleeps until the other one has them.
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { pgDump } from '@electric-sql/pglite-tools/pg_dump';
import { createSplitter } from './messages.mjs';

const { port, answered, greeting, args } = workerData;

const split = createSplitter();
let startup = Buffer.alloc(0);
let greeted = false;
let unsent = [];
let broken;

/** What the server answers to bytes of the program. Empty while they are part of a message or of a batch. */
function answerTo(bytes) {
  if (!greeted) return greet(bytes);
  const messages = split(bytes);
  unsent.push(...messages.map((message) => message.bytes));
  // A batch ends with what makes the server say that it is ready: Query, Sync, FunctionCall.
  const expected = messages.filter(({ type }) => 'QSF'.includes(type)).length;
  const last = messages.some(({ type }) => type === 'X');
  if (messages.some(({ type }) => type === 'H'))
    throw new Error('pg_dump sent a Flush, whose answer has no end');
  if (expected === 0 && !last) return Buffer.alloc(0);
  port.postMessage({ bytes: Buffer.concat(unsent), expected });
  unsent = [];
  return expected === 0 ? Buffer.alloc(0) : wait();
}

function wait() {
  Atomics.wait(answered, 0, 0);
  Atomics.store(answered, 0, 0);
  const { bytes, failure } = receiveMessageOnPort(port).message;
  if (failure === undefined) return bytes;
  throw new Error(failure);
}

// https://www.postgresql.org/docs/18/protocol-message-formats.html
const encryptionRequests = new Set([80877103, 80877104]);

/** The program logs in to us; the connection has done so already. */
function greet(bytes) {
  startup = Buffer.concat([startup, bytes]);
  if (startup.length < 8 || startup.length < startup.readInt32BE(0)) return Buffer.alloc(0);
  const code = startup.readInt32BE(4);
  startup = Buffer.alloc(0);
  if (encryptionRequests.has(code)) return Buffer.from('N');
  if (code >>> 16 !== 3) throw new Error(`pg_dump speaks protocol ${code >>> 16}.${code & 0xffff}, not 3`);
  greeted = true;
  return greeting;
}

// What the library uses of a PGlite. It saves and restores the search path of a session that goes on; ours ends.
const server = {
  query: () => Promise.resolve({ rows: [{ search_path: 'public' }] }),
  exec: () => Promise.resolve([]),
  execProtocolRawStream(bytes, { onRawData }) {
    try {
      const answer = answerTo(Buffer.from(bytes));
      if (answer.length > 0) onRawData(answer);
    } catch (error) {
      broken ??= error;
      throw error;
    }
  },
};

// By this name the program speaks of itself.
process.argv[1] = 'pg_dump';
try {
  const dumped = await pgDump({ pg: server, args });
  parentPort.postMessage({ sql: await dumped.text() });
} catch (error) {
  parentPort.postMessage(broken === undefined ? reasonOf(error) : { failure: broken.message });
}

/**
 * The library joins the lines of the standard error and puts a text of its own in front. The first line is always that
 * the program did not find its own file, which is true of WebAssembly and of no consequence.
 */
function reasonOf(error) {
  const [, code, lines] =
    /^pg_dump failed with exit code (\d+)\. \nError message: (.*)$/s.exec(error.message) ?? [];
  if (code === undefined) return { failure: error.stack ?? String(error) };
  const told = lines.split(/(?=pg_dump: )/).filter((line) => !line.includes('invalid binary "'));
  return { failure: told.join('\n'), exitCode: Number(code) };
}
