import { isAbsolute } from 'node:path';
import { z } from 'zod';

const AbsolutePath = z.string().refine(isAbsolute, 'an absolute path');

/** `host` of a node whose process runs on the worker's own machine. */
export const LocalHostSettings = z.strictObject({
  kind: z.literal('local'),
  /** The node's directory: what is installed, its log and rollgate's own record of it. */
  directory: AbsolutePath,
  /** Where the system keeps its data; default `<directory>/data`. */
  dataDir: AbsolutePath.optional(),
  /** The user whose process the node is, when rollgate itself runs as root; default: rollgate's own user. */
  runAs: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_.-]*\$?$/, 'a user name')
    .optional(),
});
export type LocalHostSettings = z.infer<typeof LocalHostSettings>;
