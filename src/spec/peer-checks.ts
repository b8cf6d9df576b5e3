import { z } from 'zod';
import type { ClusterSpec } from '../contracts/spec.js';
import { problemAt, type SourceDocument } from './document.js';
import { nearestWord } from './nearest-word.js';
import type { SpecProblem } from './spec-error.js';

const Peers = z.looseObject({ peers: z.record(z.string(), z.string()) });

/** Node → the address for its peers, of systems whose settings have it. */
export const peersOf = (cluster: ClusterSpec): Readonly<Record<string, string>> | undefined =>
  Peers.safeParse(cluster.settings).data?.peers;

/** Every node has a peer address, and nothing else has one. */
export function peerProblemsIn(document: SourceDocument, cluster: ClusterSpec): SpecProblem[] {
  const peers = peersOf(cluster);
  if (!peers) return [];
  const at = ['spec', 'settings', 'peers'];
  const nodes = [...new Set(cluster.nodes.map((n) => n.id))];
  const named = Object.keys(peers);
  return [
    ...nodes
      .filter((id) => !named.includes(id))
      .map((id) =>
        problemAt(document, at, {
          message: `the peer address of "${id}" is missing; needs one for each node`,
          remedy: `add "${id}: host:port", as the member list of the system has it`,
        }),
      ),
    ...named
      .filter((id) => !nodes.includes(id))
      .map((id) => {
        const near = nearestWord(id, nodes);
        return problemAt(document, [...at, id], {
          onKey: true,
          message: `"${id}" is no node of this cluster; it has ${nodes.join(', ')}`,
          remedy: near === undefined ? 'take it out, or add the node' : `did you mean "${near}"?`,
        });
      }),
  ];
}
