import type { EffectContext, Host, NodeSpec } from '../../../contracts/index.js';

/**
 * Which membership a data directory was made for. The list alone does not say it: a member that joined and was
 * killed before it published its name looks like one that was never started, and giving such a one an empty
 * directory would make it forget entries that it has confirmed. etcd passes over files that it does not know
 * (`identifyDataDirOrDie` in https://github.com/etcd-io/etcd/blob/main/server/etcdmain/etcd.go), with a warning.
 */
const file = 'rollgate-membership';

/** The id of the member that the directory was made for; `undefined`: it was not made by us. */
export async function joinOf(host: Host, node: NodeSpec, ctx: EffectContext): Promise<string | undefined> {
  // A node that has never been started has no directory to read from.
  if ((await host.dataFacts(node, ctx)) === undefined) return undefined;
  const content = await host.readFile(node, file, ctx);
  return content?.toString('utf8').trim();
}

export const recordJoin = (host: Host, node: NodeSpec, memberId: string, ctx: EffectContext): Promise<void> =>
  host.writeFile(node, file, `${memberId}\n`, ctx);

/** From its promotion on, the list says that it has joined. */
export async function forgetJoin(host: Host, node: NodeSpec, ctx: EffectContext): Promise<void> {
  if ((await joinOf(host, node, ctx)) !== undefined) await host.removeFile(node, file, ctx);
}
