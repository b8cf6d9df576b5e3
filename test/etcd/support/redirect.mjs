import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';

/**
 * Preloaded into a worker: what it connects to on these ports goes to others, where a proxy listens. A member tells
 * the address that it listens on to everybody, so the cluster file cannot name the proxy itself.
 */
const ports = new Map(Object.entries(JSON.parse(process.env.ROLLGATE_TEST_REDIRECT ?? '{}')));
const { connect } = net;

// The probe inherits the environment: it is a client of its own, on other lines.
if (process.argv[1]?.includes('worker-main')) {
  net.connect = (options, ...rest) => {
    const other = ports.get(String(options?.port));
    return connect(other === undefined ? options : { ...options, port: other }, ...rest);
  };
  net.createConnection = net.connect;
  syncBuiltinESMExports();
}
