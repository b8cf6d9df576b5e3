import { createSplitter, errorText } from './messages.mjs';

/**
 * Between an authenticated socket and a client that asks one thing at a time.
 * @param answer called once for every request, with `{ bytes }`, or `{ failure }` when there will be none
 * @returns `ask({ bytes, expected })`: send bytes; they are answered when the server is ready for the next query
 *   `expected` times. 0: they are not answered.
 */
export function createRelay(socket, answer) {
  const split = createSplitter();
  let received = [];
  let expected = 0;
  let lastError;
  let ended;

  const settle = (result) => {
    expected = 0;
    answer(result);
  };
  const fail = () => settle({ failure: `${ended}${lastError === undefined ? '' : `: ${lastError}`}` });
  const end = (how) => {
    ended ??= how;
    if (expected > 0) fail();
  };

  socket.on('data', (chunk) => {
    for (const { type, bytes } of split(chunk)) {
      received.push(bytes);
      if (type === 'E') lastError = errorText(bytes);
      if (type === 'Z' && expected > 0) {
        expected -= 1;
        if (expected === 0) settle({ bytes: Buffer.concat(received.splice(0)) });
      }
    }
  });
  socket.on('error', (error) => end(`the connection to the server failed: ${error.message}`));
  socket.on('end', () => end('the server closed the connection'));
  socket.on('close', () => end('the connection to the server is closed'));
  socket.resume();

  return {
    ask(request) {
      expected = request.expected;
      if (expected > 0) lastError = undefined;
      if (ended === undefined) socket.write(request.bytes);
      else if (expected > 0) fail();
    },
  };
}
