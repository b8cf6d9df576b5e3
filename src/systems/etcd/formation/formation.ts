import type { FormationFacet } from '../../../contracts/index.js';
import { discardSeed, finalizeSeed } from './finalize.js';
import { inspectStandalone } from './inspect.js';
import type { FormationDeps } from './places.js';
import { restoreSeed, verifySeed } from './seed.js';
import { takeSnapshot } from './snapshot.js';

/**
 * From a standalone etcd to the first member of a cluster, by snapshot and restore:
 * https://etcd.io/docs/v3.6/op-guide/recovery/. The worker must be on the host of the seed.
 */
export function createFormation(deps: FormationDeps): FormationFacet {
  return {
    inspect: (cluster, seed, ctx) => inspectStandalone(deps, cluster, seed, ctx),
    snapshot: (cluster, seed, version, ctx) => takeSnapshot(deps, cluster, seed, version, ctx),
    restore: (cluster, seed, options, ctx) => restoreSeed(deps, cluster, seed, options, ctx),
    verify: (cluster, seed, options, ctx) => verifySeed(deps, cluster, seed, options, ctx),
    finalize: (cluster, seed, version, ctx) => finalizeSeed(deps, cluster, seed, version, ctx),
    discard: (cluster, seed, ctx) => discardSeed(deps, cluster, seed, ctx),
  };
}
