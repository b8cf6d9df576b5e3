import { z } from 'zod';
import { Duration, SecretRef } from '../../contracts/spec.js';

/** `spec.settings` of a cluster whose system is `postgres`. */
export const PostgresSettings = z.strictObject({
  /** The role rollgate connects as; see docs/systems/postgres.md for the privileges it needs. */
  user: z.string().min(1),
  password: SecretRef.optional(),
  /** Database that the scratch schema is made in. */
  database: z.string().min(1).default('postgres'),
  /** TLS to the servers; absent: none. Paths are on the worker's host. */
  tls: z
    .strictObject({
      ca: z.string().optional(),
      cert: z.string().optional(),
      key: z.string().optional(),
      rejectUnauthorized: z.boolean().default(true),
    })
    .optional(),
  /** How long one connection attempt may take. */
  connectTimeout: Duration.default(2000),
  /** Schema for canaries and the write ledger; made by the run and removed by it. */
  scratchSchema: z
    .string()
    .regex(/^[a-z_][a-z0-9_]{0,62}$/, 'a plain lower-case identifier')
    .default('rollgate'),
  /**
   * Path of `pg_dump` on the worker's host, for a storage migration; default: `pg_dump` on its PATH. It must be at
   * least of the source's version and at most of the destination's.
   */
  pgDump: z.string().regex(/^\//, 'an absolute path').optional(),
});
export type PostgresSettings = z.infer<typeof PostgresSettings>;
