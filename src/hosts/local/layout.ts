import { basename, dirname, join, resolve } from 'node:path';
import { RollgateError, type NodeSpec } from '../../contracts/index.js';
import { LocalHostSettings } from './settings.js';

/** Where everything of one node is. */
export interface Layout {
  readonly node: string;
  readonly runAs: string | undefined;
  readonly directory: string;
  readonly dataDir: string;
  /** Beside the data directory: what it is on the way from a standalone to a member. */
  readonly mode: string;
  /** Beside the data directory: a copy that has not taken its place yet. */
  readonly partial: string;
  /** Beside the data directory: what a complete copy has taken the place of. */
  readonly replaced: string;
  /** Beside the data directory: the original of a complete copy on another disk. */
  readonly adopted: string;
  /** -> `versions/<version>`: the one record of what is installed. */
  readonly current: string;
  /** `<version>` -> the directory of its artifact. */
  readonly versions: string;
  readonly log: string;
  /** Our own record: pid, fence, journal, tools that run, scratch directories. */
  readonly record: string;
  readonly pid: string;
  readonly fence: string;
  readonly journal: string;
  readonly tools: string;
  /** Of a scratch node: the directory of the node for whose data it is. */
  readonly scratchOf: string | undefined;
}

/** The name of the directory below a node's own that holds our record of it. */
export const recordName = 'rollgate';
/** The name of a scratch directory in that record. */
export const scratchName = /^scratch-[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/;

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
  const { runAs } = parsed.data;
  // Without the slash that may end a path, so that names beside it can be made of it.
  const directory = resolve(parsed.data.directory);
  const dataDir = resolve(parsed.data.dataDir ?? join(directory, 'data'));
  const record = join(directory, recordName);
  return {
    node: node.id,
    runAs,
    directory,
    dataDir,
    mode: `${dataDir}.rollgate-mode.json`,
    partial: `${dataDir}.rollgate-partial`,
    replaced: `${dataDir}.rollgate-replaced`,
    adopted: `${dataDir}.rollgate-adopted`,
    current: join(directory, 'current'),
    versions: join(directory, 'versions'),
    log: join(directory, 'log', 'node.log'),
    record,
    pid: join(record, 'pid.json'),
    fence: join(record, 'fence'),
    journal: join(record, 'journal.ndjson'),
    tools: join(record, 'tools'),
    scratchOf: scratchOf(directory, dataDir),
  };
}

function scratchOf(directory: string, dataDir: string): string | undefined {
  const place = dirname(directory);
  const isScratch =
    scratchName.test(basename(directory)) &&
    basename(place) === recordName &&
    dataDir === join(directory, 'data');
  return isScratch ? dirname(place) : undefined;
}
