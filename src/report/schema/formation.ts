import { z } from 'zod';
import { Count, Time } from './primitives.js';

/** What the summary of a cluster formation has at its top level, and no other (R-FORM). */
export const formationFields = {
  seed: z.string().optional().describe('Of a formation: the node whose standalone it began with.'),
  stages: z.array(z.string()).optional().describe('Of a formation: what this run was asked to do.'),
  mode: z
    .enum(['standalone', 'preparing', 'seeded', 'cluster'])
    .optional()
    .describe("Of a formation: what the mode file beside the seed's data says; absent: it was not read."),
  checkpoint: z.string().optional().describe('Its last milestone; absent: none yet.'),
  checkpoints: z
    .array(z.strictObject({ name: z.string(), at: Time }))
    .optional()
    .describe('The milestones that this run has reached, in order.'),
  keptStandalone: z.string().optional().describe("Where the standalone's own data is kept."),
  snapshot: z
    .strictObject({
      content: z.string().describe("What it holds, in the system's words."),
      sha256: z.string(),
      hash: z.string().describe('Over everything that it holds: the seed was compared with it.'),
      bytes: Count,
    })
    .optional()
    .describe('What the seed was restored from.'),
};
