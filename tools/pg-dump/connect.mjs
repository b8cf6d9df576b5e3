import pg from 'pg';

/**
 * Log in to a server as `pg` does, then take the connection over.
 * @returns `socket`: authenticated and idle, nobody reads it; `greeting`: what a server would answer to the log-in, for
 *   a client that makes its own; `database`: the name of the database
 * @throws Error when the server is not there or refuses
 */
export async function connect({ passfile, ...config }) {
  if (passfile !== undefined) process.env['PGPASSFILE'] = passfile;
  const timeout = Number(process.env['PGCONNECT_TIMEOUT'] ?? 0) * 1000;
  const client = new pg.Client({
    fallback_application_name: 'pg_dump',
    ...(timeout > 0 && { connectionTimeoutMillis: timeout }),
    ...config,
  });
  const parameters = new Map();
  client.connection.on('parameterStatus', (status) => {
    parameters.set(status.parameterName, status.parameterValue);
  });
  // A server that goes away raises this beside the rejection.
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    // A log-in that we broke off would stay open until the server gives it up.
    client.connection.stream.destroy();
    const to = `connection to server at "${client.host}", port ${client.port} failed`;
    throw new Error(`${to}: ${reasonOf(error)}`, { cause: error });
  }
  const socket = client.connection.stream;
  for (const event of ['data', 'end', 'close', 'error']) socket.removeAllListeners(event);
  return { socket, greeting: greetingOf(parameters), database: client.database };
}

function reasonOf(error) {
  // To a name with several addresses: one error each, and no message.
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  if (/client password must be/.test(error.message))
    return 'the server asks for a password and none was supplied';
  return error.severity === undefined ? error.message : `${error.severity}:  ${error.message}`;
}

/** https://www.postgresql.org/docs/18/protocol-message-formats.html */
function greetingOf(parameters) {
  const status = [...parameters].map(([name, value]) => message('S', Buffer.from(`${name}\0${value}\0`)));
  // A key that fits no process: to cancel a query is not the program's to do.
  return Buffer.concat([
    message('R', Buffer.alloc(4)),
    ...status,
    message('K', Buffer.alloc(8)),
    message('Z', Buffer.from('I')),
  ]);
}

function message(type, body) {
  const head = Buffer.alloc(5);
  head.write(type, 0, 'latin1');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
