import type { ZodType } from 'zod';
import { RollgateError, type ClusterSpec, type Router } from '../contracts/index.js';
import { createNoRouter } from './none/router.js';
import { NoRoutingSettings } from './none/settings.js';

/** Every way of routing that rollgate knows, by the `kind` a spec names. A new one is one line here. */
export const routerKinds = {
  none: { settings: NoRoutingSettings, create: createNoRouter },
} as const satisfies Record<string, { settings: ZodType<{ kind: string }>; create: () => Router }>;

/**
 * The router of a cluster; one adapter a kind, made at first use.
 * @throws SPEC_INVALID for an unknown kind or settings that are not that kind's
 */
export function createRouters(): (cluster: ClusterSpec) => Router {
  const made = new Map<string, Router>();
  return (cluster) => {
    const { kind } = cluster.routing;
    if (!isRouterKind(kind)) {
      throw new RollgateError(
        'SPEC_INVALID',
        `routing of cluster ${cluster.name} is of kind "${kind}", which is not known`,
        `use one of: ${Object.keys(routerKinds).join(', ')}`,
      );
    }
    const parsed = routerKinds[kind].settings.safeParse(cluster.routing);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      throw new RollgateError(
        'SPEC_INVALID',
        `routing of cluster ${cluster.name}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is not valid'}`,
        'correct the routing settings of the cluster',
      );
    }
    const router = made.get(kind) ?? routerKinds[kind].create();
    made.set(kind, router);
    return router;
  };
}

const isRouterKind = (kind: string): kind is keyof typeof routerKinds => Object.hasOwn(routerKinds, kind);
