import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

/** What a network does when it is cut. */
export interface CutOptions {
  /**
   * `silent`: nothing arrives any more, and nobody is told: sockets stay open, new ones are accepted and never answered.
   * `reset`: every connection is reset, and so is each that is tried. Default `silent`.
   */
  readonly kind?: 'silent' | 'reset';
  /** Only connections whose first bytes hold this text, e.g. the name under which a client introduces itself. */
  readonly of?: string;
}

/** A way to one server that can be cut and mended: everybody who is given its address goes through it. */
export interface Link {
  /** `host:port`. */
  readonly address: string;
  cut(options?: CutOptions): void;
  /**
   * Let everything through again. Connections that were silent go on where they stood, as after a short partition; with
   * `reset` they are reset, as by a router that has forgotten them.
   */
  mend(options?: { reset?: boolean }): void;
  /** Call `act` once, directly after a client's message with this text has been passed on. */
  whenPassed(text: string, act: () => void): void;
  close(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** What the client has introduced itself with. */
  hello?: Buffer;
  /** The end of what has been passed on: a text may come in two parts. */
  tail: Buffer;
  /** One end is gone and the other one has not been told. */
  untold: boolean;
}

/** A way to the server at `address` (`host:port`), as a TCP proxy on a free port of this machine. */
export async function openLink(address: string): Promise<Link> {
  const at = address.lastIndexOf(':');
  const target = { host: address.slice(0, at), port: Number(address.slice(at + 1)) };
  const pairs = new Set<Pair>();
  const watched = new Map<string, () => void>();
  let now: CutOptions | undefined;

  const isCut = ({ hello }: Pair): boolean =>
    now !== undefined && (now.of === undefined || hello?.includes(now.of) === true);
  /** Nothing is read, so that nothing arrives. */
  const apply = (pair: Pair): void => {
    const cut = isCut(pair);
    if (cut && now?.kind === 'reset') {
      reset(pair);
      return;
    }
    for (const socket of [pair.client, pair.server]) {
      if (cut) socket.pause();
      else socket.resume();
    }
    if (!cut && pair.untold) reset(pair);
  };
  const reset = (pair: Pair): void => {
    pairs.delete(pair);
    pair.client.resetAndDestroy();
    pair.server.resetAndDestroy();
  };
  const look = (pair: Pair, chunk: Buffer): void => {
    if (watched.size === 0) return;
    const seen = Buffer.concat([pair.tail, chunk]);
    pair.tail = seen.subarray(-64);
    for (const [text, act] of [...watched]) {
      if (!seen.includes(text)) continue;
      watched.delete(text);
      act();
    }
  };
  const pass = (pair: Pair, from: Socket, to: Socket, chunk: Buffer): void => {
    if (!to.write(chunk)) {
      from.pause();
      to.once('drain', () => !isCut(pair) && from.resume());
    }
  };

  const listener = createServer({ noDelay: true }, (client) => {
    const server = connect({ ...target, noDelay: true });
    const pair: Pair = { client, server, tail: Buffer.alloc(0), untold: false };
    pairs.add(pair);
    client.on('data', (chunk) => {
      if (!pair.hello) {
        pair.hello = chunk;
        apply(pair);
      }
      if (!pairs.has(pair)) return;
      pass(pair, client, server, chunk);
      look(pair, chunk);
    });
    server.on('data', (chunk) => {
      pass(pair, server, client, chunk);
    });
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      // An error is followed by its close.
      one.on('error', () => undefined);
      one.on('close', (broken) => {
        if (isCut(pair)) pair.untold = true;
        else if (broken) reset(pair);
        else {
          pairs.delete(pair);
          other.end();
        }
      });
    }
    apply(pair);
  });
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(0, '127.0.0.1', resolve);
  });
  const { port } = listener.address() as AddressInfo;

  return {
    address: `127.0.0.1:${port}`,
    cut(options = {}) {
      now = options;
      for (const pair of [...pairs]) apply(pair);
    },
    mend({ reset: forgotten = false } = {}) {
      const silent = [...pairs].filter(isCut);
      now = undefined;
      for (const pair of silent) {
        if (forgotten) reset(pair);
        else apply(pair);
      }
    },
    whenPassed(text, act) {
      watched.set(text, act);
    },
    close() {
      for (const pair of [...pairs]) reset(pair);
      return new Promise((resolve) => {
        listener.close(() => {
          resolve();
        });
      });
    },
  };
}
