import { join } from 'node:path';
import { RollgateError, type NodeSpec } from '../../contracts/index.js';
import { LocalHostSettings } from './settings.js';

/** Where everything of one node is. */
export interface Layout {
  readonly node: string;
  readonly runAs: string | undefined;
  readonly directory: string;
  readonly dataDir: string;
  /** -> `versions/<version>`: the one record of what is installed. */
  readonly current: string;
  /** `<version>` -> the directory of its artifact. */
  readonly versions: string;
  readonly log: string;
  /** Our own record: pid, fence, journal. */
  readonly record: string;
  readonly pid: string;
  readonly fence: string;
  readonly journal: string;
}

/** @throws SPEC_INVALID when the node's host settings are not those of a local host */
export function layoutOf(node: NodeSpec): Layout {
  const parsed = LocalHostSettings.safeParse(node.host);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new RollgateError(
      'SPEC_INVALID',
      `host of node ${node.id}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is not valid'}`,
      'correct the host settings of the node',
    );
  }
  const { directory, dataDir, runAs } = parsed.data;
  const record = join(directory, 'rollgate');
  return {
    node: node.id,
    runAs,
    directory,
    dataDir: dataDir ?? join(directory, 'data'),
    current: join(directory, 'current'),
    versions: join(directory, 'versions'),
    log: join(directory, 'log', 'node.log'),
    record,
    pid: join(record, 'pid.json'),
    fence: join(record, 'fence'),
    journal: join(record, 'journal.ndjson'),
  };
}
