import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** A TCP proxy whose connections can be cut in the middle of whatever they carry. */
export interface Proxy {
  readonly port: number;
  /** Cut every connection, and refuse new ones until `mend`. @returns how many there were */
  cut(): number;
  mend(): void;
  close(): Promise<void>;
}

export async function createProxy(target: number): Promise<Proxy> {
  const open = new Set<Socket>();
  let down = false;
  const server = createServer((client) => {
    if (down) {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(target, '127.0.0.1');
    open.add(client);
    const end = (): void => {
      open.delete(client);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end);
    client.pipe(upstream).pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): number => {
    down = true;
    const found = [...open];
    for (const socket of found) socket.resetAndDestroy();
    return found.length;
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    mend: () => void (down = false),
    close: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Cut all of them again and again until `stop`. @returns how many connections were cut */
export async function flap(proxies: readonly Proxy[], stop: AbortSignal): Promise<number> {
  let cuts = 0;
  while (!stop.aborted) {
    for (const proxy of proxies) cuts += proxy.cut();
    await delay(120);
    for (const proxy of proxies) proxy.mend();
    await delay(350);
  }
  return cuts;
}
