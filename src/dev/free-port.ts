import { randomInt } from 'node:crypto';
import getPort from 'get-port';

/**
 * A free TCP port on 127.0.0.1, below the range from which operating systems take the ports of outgoing
 * connections: there, some client's connection could take the port of a node while the node is restarted.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const candidate = randomInt(15_000, 30_000);
    if ((await getPort({ port: candidate, host: '127.0.0.1' })) === candidate) return candidate;
  }
  throw new Error('no free port between 15000 and 30000 was found in 100 attempts');
}
