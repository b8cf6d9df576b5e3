import {
  messageOf,
  nodeSpec,
  RollgateError,
  type ClusterSpec,
  type EffectContext,
  type Host,
  type NodeSpec,
} from '../../../contracts/index.js';
import { parseControlFile, type ControlFile } from './control-file.js';
import type { HandoverDependencies } from './dependencies.js';

const controlFile = 'global/pg_control';

export async function readControl(host: Host, spec: NodeSpec, ctx: EffectContext): Promise<ControlFile> {
  const bytes = await host.readFile(spec, controlFile, ctx);
  if (bytes) return parseControlFile(bytes);
  throw hostUnknown(spec.id, `no ${controlFile} in its data directory`);
}

export const describeControl = (control: ControlFile): string =>
  `${control.cleanPrimary ? 'shut down' : control.cleanStandby ? 'shut down in recovery' : control.inRecovery ? 'in recovery' : 'not shut down'}, timeline ${control.timeline}, end ${control.end.text}`;

export const hostUnknown = (node: string, reason: string): RollgateError =>
  new RollgateError(
    'HOST_UNKNOWN',
    `the state of ${node} on its host is unknown: ${reason}`,
    'The call is repeated by itself.',
  );

/**
 * Is this node a primary? Asked of the server; of its control file when the server does not answer, because a
 * promotion is written there before the first write is taken.
 * @throws HOST_UNKNOWN when neither tells: such a node counts as neither
 */
export async function isPrimary(
  deps: HandoverDependencies,
  cluster: ClusterSpec,
  id: string,
  ctx: EffectContext,
): Promise<boolean> {
  try {
    return await deps.sessions.on(cluster, id, async (client) => {
      const { rows } = await client.query<{ primary: boolean }>('SELECT NOT pg_is_in_recovery() AS primary');
      return rows[0]?.primary === true;
    });
  } catch (error) {
    const silence = messageOf(error);
    const spec = nodeSpec(cluster, id);
    const control = await readControl(deps.host(spec), spec, ctx);
    if (control.inRecovery) return false;
    throw hostUnknown(
      id,
      `whether it is a primary cannot be learned: ${silence}; its control file says ${describeControl(control)}`,
    );
  }
}

/** @throws PRIMARY_MOVED when one of them is a primary, HOST_UNKNOWN when that cannot be learned */
export async function requireNoPrimary(
  deps: HandoverDependencies,
  cluster: ClusterSpec,
  nodes: readonly string[],
  consequence: string,
  ctx: EffectContext,
): Promise<void> {
  const found = await Promise.all(
    nodes.map(async (id) => ((await isPrimary(deps, cluster, id, ctx)) ? [id] : [])),
  );
  const primaries = found.flat();
  if (primaries.length === 0) return;
  throw new RollgateError('PRIMARY_MOVED', `${primaries.join(' and ')} is a primary by now`, consequence);
}

/** The other nodes of the same replication group. */
export const othersOf = (cluster: ClusterSpec, node: string): string[] =>
  cluster.nodes.filter((n) => n.id !== node && n.group === nodeSpec(cluster, node).group).map((n) => n.id);
