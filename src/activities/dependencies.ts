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
  /** Write summary and report of a run; returns the directory. */
  readonly writeArtifacts: (state: RunState) => Promise<{ directory: string }>;
}

export function handoverOf(system: DataSystem): NonNullable<DataSystem['handover']> {
  if (system.handover) return system.handover;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `${system.name} has no handover`,
    'Plan the upgrade again: a run for this system cannot contain a handover.',
  );
}
