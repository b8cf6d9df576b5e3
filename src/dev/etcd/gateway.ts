import { z, type ZodType } from 'zod';

/**
 * etcd's JSON gateway by plain `fetch`: what a sample cluster says is read without the client that the product
 * uses, so that a fault of that client cannot hide itself. https://etcd.io/docs/v3.6/dev-guide/api_grpc_gateway/
 */

export const encode = (text: string): string => Buffer.from(text).toString('base64');
export const decode = (text: string): string => Buffer.from(text, 'base64').toString();

/** etcd writes 64-bit integers as strings and leaves out what is 0, false or empty. */
export const Int = z.coerce.number().default(0);
/** An id has more digits than a number holds. */
export const Id = z.string().default('0');
export const Text = z.string().default('');
export const Flag = z.boolean().default(false);

/** @throws Error naming the address, and what it answered if it did */
export async function post<T>(
  address: string,
  path: string,
  body: object,
  schema: ZodType<T>,
  timeoutMs = 5000,
): Promise<T> {
  const text = await read(address, path, { method: 'POST', body: JSON.stringify(body) }, timeoutMs);
  return schema.parse(JSON.parse(text));
}

/** @throws Error naming the address, and what it answered if it did */
export const get = (address: string, path: string, timeoutMs = 5000): Promise<string> =>
  read(address, path, { method: 'GET' }, timeoutMs);

async function read(
  address: string,
  path: string,
  init: { method: 'GET' | 'POST'; body?: string },
  timeoutMs: number,
): Promise<string> {
  const url = `http://${address}${path}`;
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) });
    text = await answer.text();
  } catch (error) {
    throw new Error(`${url} did not answer: ${reasonOf(error)}`, { cause: error });
  }
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${text.slice(0, 300)}`);
  return text;
}

/** `fetch` says "fetch failed" of everything, and what failed in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}, ${error.cause.message}` : error.message;
}
