import { join } from 'node:path';
import type { Pair } from '../../contracts/migration.js';
import { createSampleCluster } from './cluster.js';
import type { SampleCluster } from './sample-cluster.js';

export interface SamplePairOptions {
  /** Nodes of the source, `pg-1`, …; default 1. With more than one, commits are synchronous (`ANY 1`). */
  readonly nodes?: number;
  /** Nodes of the destination, `new-1`, …; default 1. */
  readonly destinationNodes?: number;
  /** Below it the data directories of the destination are made; default: in the directories of its nodes. */
  readonly destinationData?: string;
  /** `null`: commits of the destination wait for none of its standbys; default: for `ANY 1`, where it has any. */
  readonly destinationSynchronous?: null;
  /** What the source runs; default 17.10. The destination runs 18.4. One on 17.5 has 17.10 at hand as well. */
  readonly version?: '17.5' | '17.10';
  /** Of the source; the destination is `<name>-18`. Default: source and destination. */
  readonly name?: string;
  /** Below it both are made; default: new ones below the temporary directory. */
  readonly directory?: string;
}

export interface SamplePair {
  readonly source: SampleCluster;
  readonly destination: SampleCluster;
  readonly pair: Pair;
  /** Both clusters, as `SampleCluster.destroy`. */
  destroy(): Promise<void>;
}

/**
 * The two sides of a storage migration, both running and both empty, with `wal_level = logical`. Each has its own
 * password. A server of one side can subscribe to the other as the superuser (`settings.user`) of that other side.
 */
export async function createSamplePair(options: SamplePairOptions = {}): Promise<SamplePair> {
  const { name, directory, destinationData } = options;
  const side = (
    side: string,
    prefix: string,
    version: '17.5' | '17.10' | '18.4',
    nodes = 1,
    synchronous?: null,
    dataDirectory?: string,
  ) =>
    createSampleCluster({
      name: name === undefined ? side : side === 'source' ? name : `${name}-18`,
      ...(directory !== undefined && { directory: join(directory, side) }),
      ...(dataDirectory !== undefined && { dataDirectory }),
      ...{ prefix, version, nodes, logical: true },
      artifacts: version === '17.5' ? ['17.5', '17.10'] : [version],
      // A single node has no standby that could confirm its commits.
      ...((nodes === 1 || synchronous === null) && { synchronous: null }),
    });
  const made = await Promise.allSettled([
    side('source', 'pg', options.version ?? '17.10', options.nodes),
    side(
      'destination',
      'new',
      '18.4',
      options.destinationNodes,
      options.destinationSynchronous,
      destinationData,
    ),
  ]);
  const running = made.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const destroy = async () => {
    const ended = await Promise.allSettled(running.map((sample) => sample.destroy()));
    throwFailures(ended);
  };

  const [source, destination] = running;
  if (source === undefined || destination === undefined) {
    await destroy();
    throwFailures(made);
    throw new Error('a sample pair was made without a failure and without two clusters');
  }
  return { source, destination, pair: { source: source.cluster, destination: destination.cluster }, destroy };
}

function throwFailures(results: readonly PromiseSettledResult<unknown>[]): void {
  const failures = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason as unknown] : [],
  );
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) throw new AggregateError(failures, 'both sides of the sample pair failed');
}
