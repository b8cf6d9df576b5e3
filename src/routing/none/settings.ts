import { z } from 'zod';

/** `routing` of a cluster whose clients find their way themselves. */
export const NoRoutingSettings = z.strictObject({ kind: z.literal('none') });
export type NoRoutingSettings = z.infer<typeof NoRoutingSettings>;
