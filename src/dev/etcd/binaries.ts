import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepareGoModule } from '../go-module.js';
import type { KeptArtifact } from '../kept-artifact.js';

/** The same from src/dev/etcd and from dist/dev/etcd. */
const tools = fileURLToPath(new URL('../../../tools', import.meta.url));

/** Version → the folder below `tools/` whose go.mod pins it. */
const folders = {
  '3.5.35': 'etcd-3.5',
  '3.6.16': 'etcd-3.6',
  '3.7.3': 'etcd-3.7',
  /** Known bad: where learners were promoted, members die on the way to 3.6, https://etcd.io/docs/latest/upgrades/upgrade_3_6/. */
  '3.5.19': 'etcd-3.5-known-bad',
} as const;

export type EtcdVersion = keyof typeof folders;
export const etcdVersions = Object.keys(folders) as EtcdVersion[];

/**
 * etcd of a version as an artifact that is laid out as etcd's own release archives: `etcd` and `etcdutl` at its
 * root. Built with Go where it is not there yet.
 *
 * @param onProgress is told what is built and how long it takes
 * @throws Error when Go is not there or cannot build it
 */
export const prepareEtcd = (
  version: EtcdVersion,
  onProgress?: (line: string) => void,
): Promise<KeptArtifact> =>
  prepareGoModule(
    {
      name: folders[version],
      sources: join(tools, folders[version]),
      programs: { etcd: '.', etcdutl: 'go.etcd.io/etcd/etcdutl/v3' },
      label: `etcd ${version}`,
      takes: 'about a minute on two cores and the download of its modules',
    },
    onProgress,
  );

/**
 * A program of our own below `tools/`, written in Go and named like its folder.
 * @throws Error when there is no such folder, or Go is not there or cannot build it
 */
export async function prepareGoTool(
  name: string,
  onProgress?: (line: string) => void,
): Promise<KeptArtifact & { readonly program: string }> {
  const takes = 'some seconds and the download of its modules';
  const kept = await prepareGoModule(
    { name, sources: join(tools, name), programs: { [name]: '.' }, label: `tools/${name}`, takes },
    onProgress,
  );
  return { ...kept, program: join(kept.directory, name) };
}
