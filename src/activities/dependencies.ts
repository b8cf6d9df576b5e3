import type {
  ClusterSpec,
  DataSystem,
  Host,
  NodeSpec,
  ProbeRunner,
  Router,
  RunState,
  SecretResolver,
} from '../contracts/index.js';
import { RollgateError } from '../contracts/index.js';

/** What the activities act through; wired by the worker, faked by tests of the activities' own logic. */
export interface ActivityDependencies {
  readonly system: (cluster: ClusterSpec) => DataSystem;
  readonly host: (node: NodeSpec) => Host;
  readonly router: (cluster: ClusterSpec) => Router;
  readonly probe: ProbeRunner;
  readonly secrets: SecretResolver;
  /** Where a backup of a run is to be, in a directory that exists. `name` is a plain word. */
  readonly backupFile: (runId: string, name: string) => Promise<string>;
  /** Write summary and report of a run; returns the directory. */
  readonly writeArtifacts: (state: RunState) => Promise<{ directory: string }>;
}

type Facet = 'handover' | 'transfer' | 'versionSwitch' | 'backup' | 'membership' | 'formation' | 'migration';

/** A facet that the plan has found. @throws SYSTEM_REFUSED */
export function needed<F extends Facet>(system: DataSystem, facet: F): NonNullable<DataSystem[F]> {
  const found = system[facet];
  if (found) return found;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `${system.name} has no facet ${facet}`,
    'Plan again: a run for this system cannot contain this step.',
  );
}

export const handoverOf = (system: DataSystem): NonNullable<DataSystem['handover']> =>
  needed(system, 'handover');
