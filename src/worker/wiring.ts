import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ActivityDependencies } from '../activities/index.js';
import { createHosts } from '../hosts/registry.js';
import { createProbeRunner } from '../probe/runner.js';
import { writeArtifacts } from '../report/write-artifacts.js';
import { createRouters } from '../routing/registry.js';
import { createSystems } from '../systems/registry.js';
import { createSecretResolver } from './secrets.js';

/** Put the adapters together. The one place that knows them all. */
export function wire(options: { artifacts: string }): ActivityDependencies {
  const directory = resolve(options.artifacts);
  const secrets = createSecretResolver();
  const host = createHosts();
  const system = createSystems({ host, secrets });
  return {
    system: (cluster) => system(cluster.system),
    host,
    router: createRouters(),
    probe: createProbeRunner({
      system,
      directory,
      entry: fileURLToPath(new URL(join('..', 'probe', 'main.js'), import.meta.url)),
    }),
    secrets,
    writeArtifacts: (state) => writeArtifacts(state, directory),
  };
}
