import { z } from 'zod';
import { Count, Time } from './primitives.js';

/** A version switch: what was shown before it, and what every node said after it (R-SWITCH). */
export const Switch = z.strictObject({
  group: z.string(),
  from: z.string().describe('The level before it; `unknown` when it was not learned.'),
  to: z.string(),
  how: z
    .enum(['by-last-node', 'lower', 'cancel'])
    .describe(
      'by-last-node: the system raises the level when its last node changes; lower: it was told to go to a lower one; cancel: a lowering under way was withdrawn.',
    ),
  at: Time.optional().describe('When every node was seen on the level; absent: not yet, or never.'),
  clearedAt: Time.optional().describe('When predicates, approval and burn-in were done.'),
  nodesAtLevel: z.array(z.string()).describe('The nodes that said so themselves.'),
  predicates: z
    .array(z.strictObject({ name: z.string(), observed: z.string(), at: Time }))
    .describe('What was true before it, each with what was seen then.'),
});

/** A backup that was restored and compared before the run went on. */
export const Backup = z.strictObject({
  name: z.string(),
  content: z.string().describe("What it holds, in the system's words."),
  sha256: z.string(),
  bytes: Count,
  path: z.string().describe("On the worker's host."),
  at: Time,
});
