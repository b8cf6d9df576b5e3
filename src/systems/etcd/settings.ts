import { z } from 'zod';
import { Address, Duration, SecretRef } from '../../contracts/spec.js';

/** `spec.settings` of a cluster whose system is `etcd`. */
export const EtcdSettings = z.strictObject({
  /** Node id → `host:port` of its peer URL. Every node of the cluster needs one. */
  peers: z.record(z.string(), Address),
  /** TLS to the members' client URLs; absent: plain HTTP. Paths are on the worker's host. */
  tls: z
    .strictObject({
      ca: z.string().optional(),
      cert: z.string().optional(),
      key: z.string().optional(),
    })
    .optional(),
  /** Whether peer URLs are https; their certificates are given to etcd by `args`. */
  peerTls: z.boolean().default(false),
  /** Where etcd's own authentication is on: a user with the role root, see docs/systems/etcd.md. */
  user: z.string().min(1).optional(),
  password: SecretRef.optional(),
  /** Further arguments of every member, e.g. `--quota-backend-bytes=8589934592`. */
  args: z.array(z.string().regex(/^--[a-z0-9-]+(=.*)?$/, 'one argument such as --name=value')).default([]),
  /** Prefix of the keys for canaries and the write ledger; made by the run and removed by it. */
  scratchPrefix: z
    .string()
    .regex(/^[A-Za-z0-9._/-]+\/$/, 'a prefix such as rollgate/, that ends with a slash')
    .default('rollgate/'),
  /** How long one request may take. */
  requestTimeout: Duration.default(2000),
  /** A member further behind the leader than this many entries does not count as in sync. */
  maxLagEntries: z.int().min(0).default(1000),
});
export type EtcdSettings = z.infer<typeof EtcdSettings>;
