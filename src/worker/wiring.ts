import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ActivityDependencies } from '../activities/index.js';
import { createHosts } from '../hosts/registry.js';
import { createHistoryChecker } from '../probe/linearizability/checker.js';
import { createProbeRunner } from '../probe/runner.js';
import { writeArtifacts } from '../report/write-artifacts.js';
import { createRouters } from '../routing/registry.js';
import { createSystems } from '../systems/registry.js';
import { createSecretResolver } from './secrets.js';

export interface WiringOptions {
  readonly artifacts: string;
  /** Path of the built `tools/linearizability`; default: the environment's `ROLLGATE_HISTORY_CHECKER`. */
  readonly historyChecker?: string;
}

/** Put the adapters together. The one place that knows them all. */
export function wire(options: WiringOptions): ActivityDependencies {
  const directory = resolve(options.artifacts);
  const checker = options.historyChecker ?? process.env['ROLLGATE_HISTORY_CHECKER'] ?? '';
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
      history: createHistoryChecker({ program: checker === '' ? undefined : resolve(checker) }),
    }),
    secrets,
    writeArtifacts: (state) => writeArtifacts(state, directory),
    backupFile: async (runId, name) => {
      const backups = join(directory, runId, 'backups');
      await mkdir(backups, { recursive: true, mode: 0o700 });
      return join(backups, `${name}.db`);
    },
  };
}
