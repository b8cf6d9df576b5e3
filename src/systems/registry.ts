import type { DataSystem, Host, NodeSpec, SecretResolver } from '../contracts/index.js';
import { RollgateError } from '../contracts/index.js';
import { createEtcdSystem } from './etcd/system.js';
import { createPostgresSystem } from './postgres/system.js';

export interface SystemDependencies {
  readonly host: (node: NodeSpec) => Host;
  readonly secrets: SecretResolver;
}

/** A new system is one new folder and one line here (and one in settings.ts). */
const systems: Readonly<Record<string, (deps: SystemDependencies) => DataSystem>> = {
  postgres: createPostgresSystem,
  etcd: createEtcdSystem,
};

/** @throws SPEC_INVALID for a system that this release does not know */
export function createSystems(deps: SystemDependencies): (name: string) => DataSystem {
  const made = new Map<string, DataSystem>();
  return (name) => {
    const create = systems[name];
    if (!create) {
      throw new RollgateError(
        'SPEC_INVALID',
        `there is no system "${name}"; there are: ${Object.keys(systems).join(', ')}`,
        'Correct spec.system of the cluster.',
      );
    }
    const system = made.get(name) ?? create(deps);
    made.set(name, system);
    return system;
  };
}
