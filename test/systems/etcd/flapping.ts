import { RollgateError } from '../../../src/contracts/index.js';
import type { EtcdClient } from '../../../src/systems/etcd/client.js';

/** The first `times` requests to such a path are carried out or not, and their answer never comes. */
export function flapping(
  client: EtcdClient,
  paths: RegExp,
  carriedOut: boolean,
  times: number,
): EtcdClient & { asked: () => number } {
  let count = 0;
  return {
    ...client,
    asked: () => count,
    async post(cluster, node, path, body, schema, more) {
      if (!paths.test(path) || count >= times) return client.post(cluster, node, path, body, schema, more);
      count++;
      if (carriedOut) await client.post(cluster, node, path, body, schema, more).catch(() => undefined);
      throw new RollgateError('SYSTEM_UNREACHABLE', 'the connection was cut', 'retry');
    },
  };
}
