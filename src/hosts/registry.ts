import type { ZodType } from 'zod';
import { RollgateError, type Host, type NodeSpec } from '../contracts/index.js';
import { createLocalHost } from './local/host.js';
import { LocalHostSettings } from './local/settings.js';

/** Every kind of host that rollgate knows, by the `kind` a spec names. A new one is one line here. */
export const hostKinds = {
  local: { settings: LocalHostSettings, create: () => createLocalHost() },
} as const satisfies Record<string, { settings: ZodType<{ kind: string }>; create: () => Host }>;

/**
 * The host of a node; one adapter a kind, made at first use.
 * @throws SPEC_INVALID for an unknown kind or settings that are not that kind's
 */
export function createHosts(): (node: NodeSpec) => Host {
  const made = new Map<string, Host>();
  return (node) => {
    const { kind } = node.host;
    if (!isHostKind(kind)) {
      throw new RollgateError(
        'SPEC_INVALID',
        `the host of node ${node.id} is of kind "${kind}", which is not known`,
        `use one of: ${Object.keys(hostKinds).join(', ')}`,
      );
    }
    const parsed = hostKinds[kind].settings.safeParse(node.host);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      throw new RollgateError(
        'SPEC_INVALID',
        `the host of node ${node.id}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is not valid'}`,
        'correct the host settings of the node',
      );
    }
    const host = made.get(kind) ?? hostKinds[kind].create();
    made.set(kind, host);
    return host;
  };
}

const isHostKind = (kind: string): kind is keyof typeof hostKinds => Object.hasOwn(hostKinds, kind);
