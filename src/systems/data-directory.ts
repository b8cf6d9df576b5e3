import { z } from 'zod';

/** What a system needs of any kind of host: where the data directory is. */
export const DataDirectory = z
  .looseObject({ directory: z.string().optional(), dataDir: z.string().optional() })
  .transform((host) => host.dataDir ?? (host.directory === undefined ? undefined : `${host.directory}/data`));
