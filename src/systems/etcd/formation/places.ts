import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import {
  nodeSpec,
  RollgateError,
  type ClusterSpec,
  type EffectContext,
  type Host,
  type NodeId,
  type NodeSpec,
} from '../../../contracts/index.js';
import { readJson, writeJson } from '../backup/record.js';
import { settingsOf, type EtcdClient } from '../client.js';
import { requireLogInside } from '../membership/separate-log.js';

export interface FormationDeps {
  readonly client: EtcdClient;
  readonly host: (node: NodeSpec) => Host;
}

/** The node that becomes the seed, and the scratch nodes where it is made. */
export interface Places {
  readonly cluster: ClusterSpec;
  readonly node: NodeSpec;
  readonly host: Host;
  /** A copy of the standalone, to take the snapshot from. */
  readonly copy: NodeSpec;
  /** The snapshot and our records. */
  readonly files: NodeSpec;
  /** The seed until it is put in its place. */
  readonly seed: NodeSpec;
  /** A copy of the seed, to look at it. */
  readonly look: NodeSpec;
  /** A copy of the standalone, to look at it; apart, because a plan may be made at any time. */
  readonly inspected: NodeSpec;
}

/** @throws SYSTEM_REFUSED where the log is kept apart from the data */
export function placesOf(deps: FormationDeps, cluster: ClusterSpec, seed: NodeId): Places {
  requireLogInside(settingsOf(cluster));
  const node = nodeSpec(cluster, seed);
  const host = deps.host(node);
  const scratch = (name: string) => host.scratchNode(node, name);
  return {
    ...{ cluster, node, host },
    copy: scratch('formation-copy'),
    files: scratch('formation'),
    seed: scratch('formation-seed'),
    look: scratch('formation-look'),
    inspected: scratch('formation-inspected'),
  };
}

/** A record of ours that something has been reached; they are made in the order in which they stand here. */
export interface Milestone<T> {
  readonly name: string;
  readonly schema: z.ZodType<T>;
}

const milestone = <T>(name: string, schema: z.ZodType<T>): Milestone<T> => ({ name, schema });

export const snapshotTaken = milestone(
  'snapshot',
  z.strictObject({
    /** Of the standalone's data when it was taken. */
    fingerprint: z.string(),
    version: z.string(),
    path: z.string(),
    sha256: z.string(),
    bytes: z.number(),
    content: z.string(),
    hash: z.string(),
  }),
);

export const seedRestored = milestone(
  'restored',
  z.strictObject({ sha256: z.string(), version: z.string(), token: z.string(), peerUrl: z.string() }),
);

/** Written before the standalone's data is moved: from then on it must end in one of two ways. */
export const finalizing = milestone('finalize', z.strictObject({ suffix: z.string(), kept: z.string() }));

const recordPath = (directory: string, { name }: { name: string }): string => join(directory, `${name}.json`);

/** @param directory of {@link Places.files}. @returns `undefined` when it was not reached */
export const readMilestone = async <T>(
  directory: string | undefined,
  of: Milestone<T>,
): Promise<T | undefined> =>
  directory === undefined ? undefined : readJson(recordPath(directory, of), of.schema);

export const writeMilestone = <T>(directory: string, of: Milestone<T>, record: T): Promise<void> =>
  writeJson(recordPath(directory, of), record);

export const forgetMilestone = (directory: string, of: { name: string }): Promise<void> =>
  rm(recordPath(directory, of), { force: true });

/** The directory of our records, if there is one. */
export const filesDirectory = async (places: Places, ctx: EffectContext): Promise<string | undefined> =>
  (await places.host.dataFacts(places.files, ctx))?.path;

/** Whether a node has data. */
export async function hasData(host: Host, node: NodeSpec, ctx: EffectContext): Promise<boolean> {
  const facts = await host.dataFacts(node, ctx);
  return facts !== undefined && !facts.empty;
}

export const missing = (places: Places, what: string): RollgateError =>
  new RollgateError(
    'SYSTEM_REFUSED',
    `the formation of ${places.cluster.name} on ${places.node.id} has ${what}`,
    'Run the formation again from its beginning: what is there already is found.',
  );
