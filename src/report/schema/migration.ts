import { z } from 'zod';
import { migrationPhases, reverseAsynchronous } from '../../contracts/index.js';
import { Count, Ms, Time } from './primitives.js';

/** A row that is not the same on both sides. */
const Difference = z.strictObject({
  table: z.string(),
  kind: z
    .enum(['missing', 'extra', 'differs'])
    .describe('missing: only on the source; extra: only on the destination; differs: other values.'),
  key: z
    .record(z.string(), z.string().nullable())
    .describe('Of the replica identity; without one, of the whole row.'),
  columns: z.array(
    z.strictObject({
      name: z.string(),
      source: z.string().nullable(),
      destination: z.string().nullable(),
    }),
  ),
});

/** Both copies, compared at exactly one position. */
const Cut = z.strictObject({
  name: z.string(),
  position: z.string().describe("In the system's notation."),
  tables: Count.describe('How many were compared.'),
  rows: Count.describe('Of the source.'),
  mismatches: Count.describe('Rows that differ; a table whose sums differ counts at least one.'),
  writePauseMs: Ms.describe('How long writers waited for it; 0: nobody wrote to either side.'),
  at: Time.describe('When the comparison began.'),
  endedAt: Time,
  differing: z
    .array(
      z.strictObject({
        table: z.string(),
        rows: z.strictObject({ source: Count, destination: Count }),
      }),
    )
    .describe('Tables that are not equal.'),
  differences: z.array(Difference).describe('Located rows, as many of each table as the spec asks for.'),
});

/** One change of the side that takes the writes. */
const Move = z.strictObject({
  direction: z.enum(['forward', 'back']),
  result: z
    .enum(['in-progress', 'done', 'undone'])
    .describe('undone: given up, the former side was opened again.'),
  validation: z.string().describe('The comparison that allowed it: name of the cut, @, position.'),
  startedAt: Time,
  openedAt: Time.optional(),
  position: z.string().optional().describe('Where the former side ended.'),
  writeGapMs: Ms.optional().describe(
    'What the effects saw: from the first writer that waited until the other side was open.',
  ),
  measuredGapMs: Ms.optional().describe(
    "From the probe's record: the longest pause in acknowledged writes in that time, reconnecting included; absent if not measured.",
  ),
});

/** What a destination that was given up has taken with it. */
const LossWindow = z.strictObject({
  window: z.literal(reverseAsynchronous).describe('The name by which the spec accepts it.'),
  from: Time.describe('When the destination took the writes.'),
  to: Time.describe('When it was given up.'),
  lost: Count.optional().describe("Of the probe's writes; absent: not measured."),
});

/** What the summary of a storage migration has, and no other (R-MIG). */
export const Migration = z.strictObject({
  phase: z.enum(migrationPhases),
  authority: z.enum(['source', 'destination']).describe('The side that takes the writes.'),
  source: z.string(),
  destination: z.string(),
  phases: z.array(z.strictObject({ phase: z.enum(migrationPhases), at: Time })).describe('As entered.'),
  copy: z
    .strictObject({
      rows: Count,
      bytes: Count,
      ms: Ms.optional().describe('Keys and indexes included; absent: not done.'),
      ranges: Count,
      done: Count.describe('Ranges that have been copied.'),
    })
    .optional()
    .describe('The first copy of the rows; absent: not begun.'),
  cuts: z.array(Cut).describe('Every comparison, in order.'),
  switches: z.array(Move),
  lossWindow: LossWindow.optional().describe(
    'Absent: the destination was not lost, or every write that it confirmed was on the source.',
  ),
});
