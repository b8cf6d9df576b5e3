import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { messageOf, RollgateError } from '../../contracts/index.js';
import type { Layout } from './layout.js';

const run = promisify(execFile);

export interface ProcessOwner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The user as whom the node's process is to be started; `undefined`: as rollgate's own user.
 * @throws HOST_USER_UNKNOWN when there is no such user, or when rollgate may not start processes as that user
 */
export async function ownerOf(layout: Layout): Promise<ProcessOwner | undefined> {
  const { runAs, node } = layout;
  if (runAs === undefined) return undefined;
  const owner = await lookUp(runAs, node);
  const own = process.getuid?.();
  if (owner.uid === own) return undefined;
  if (own !== 0) {
    throw new RollgateError(
      'HOST_USER_UNKNOWN',
      `node ${node} is to run as ${runAs} (uid ${owner.uid}), but rollgate runs as uid ${String(own)}, which may not start processes as another user`,
      `run the worker as ${runAs} or as root, or take runAs out of the node's host settings`,
    );
  }
  return owner;
}

/** Asked of `id`, so that users of a directory service are found as well as those of /etc/passwd. */
async function lookUp(user: string, node: string): Promise<ProcessOwner> {
  const ask = async (flag: '-u' | '-g') => Number((await run('id', [flag, user])).stdout.trim());
  try {
    return { uid: await ask('-u'), gid: await ask('-g') };
  } catch (error) {
    throw new RollgateError(
      'HOST_USER_UNKNOWN',
      `node ${node} is to run as ${user}, but this host knows no such user: ${messageOf(error).trim()}`,
      `create the user ${user}, or name one that exists as runAs in the node's host settings`,
      { cause: error },
    );
  }
}
