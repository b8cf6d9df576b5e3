import { join } from 'node:path';
import type { ClusterSpec } from '../contracts/spec.js';
import { LocalHostSettings } from '../hosts/local/settings.js';
import { problemAt, type Path, type SourceDocument } from './document.js';
import { peersOf } from './peer-checks.js';
import type { SpecProblem } from './spec-error.js';

/** What no single value shows: ids, addresses and directories that two nodes of a cluster would share. */
export function clashesIn(document: SourceDocument, cluster: ClusterSpec): SpecProblem[] {
  const peers = peersOf(cluster);
  const places = cluster.nodes.flatMap(
    (node, i): { what: string; text: string; path: Path; of: string }[] => {
      const at = ['spec', 'nodes', i];
      const host = LocalHostSettings.safeParse(node.host);
      const peer = peers?.[node.id];
      return [
        { what: 'id', text: node.id, path: [...at, 'id'], of: node.id },
        { what: 'address', text: node.address.toLowerCase(), path: [...at, 'address'], of: node.id },
        ...(peer === undefined
          ? []
          : [
              {
                what: 'address',
                text: peer.toLowerCase(),
                path: ['spec', 'settings', 'peers', node.id],
                of: node.id,
              },
            ]),
        ...(host.success
          ? [
              {
                what: 'directory',
                text: host.data.directory,
                path: [...at, 'host', 'directory'],
                of: node.id,
              },
              {
                what: 'data directory',
                text: host.data.dataDir ?? join(host.data.directory, 'data'),
                path: [...at, 'host', host.data.dataDir === undefined ? 'directory' : 'dataDir'],
                of: node.id,
              },
            ]
          : []),
      ];
    },
  );
  const seen = new Map<string, string>();
  const told = new Set<string>();
  return places.flatMap(({ what, text, path, of }) => {
    const key = `${what} ${what.endsWith('directory') ? join(text, '.') : text}`;
    const first = seen.get(key);
    if (first === undefined) {
      seen.set(key, of);
      return [];
    }
    // A shared directory is a shared data directory as well: one problem a place is enough.
    const place = path.join('/');
    if (told.has(place)) return [];
    told.add(place);
    const whose = what === 'id' ? 'by an earlier node' : `by node ${first}`;
    return [
      problemAt(document, path, {
        message: `the ${what} "${text}" is used already ${whose}; needs one of its own for each node`,
        remedy: `give each node its own ${what}`,
      }),
    ];
  });
}
