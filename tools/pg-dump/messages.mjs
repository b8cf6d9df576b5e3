/**
 * Cut a stream of the frontend/backend protocol into whole messages: a letter, a length that counts itself, a body.
 * https://www.postgresql.org/docs/18/protocol-overview.html#PROTOCOL-MESSAGE-CONCEPTS
 * @returns a function that takes bytes and returns the messages that they complete
 */
export function createSplitter() {
  let rest = Buffer.alloc(0);
  return (bytes) => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    const messages = [];
    let at = 0;
    while (rest.length - at >= 5) {
      const end = at + 1 + rest.readInt32BE(at + 1);
      if (end > rest.length) break;
      messages.push({ type: String.fromCharCode(rest[at]), bytes: rest.subarray(at, end) });
      at = end;
    }
    rest = rest.subarray(at);
    return messages;
  };
}

/** Severity and text of an ErrorResponse. https://www.postgresql.org/docs/18/protocol-error-fields.html */
export function errorText(bytes) {
  const fields = Object.fromEntries(
    bytes
      .toString('utf8', 5)
      .split('\0')
      .map((field) => [field[0], field.slice(1)]),
  );
  return `${fields.S}:  ${fields.M}`;
}
