import { z } from 'zod';
import { Summary } from '../summary-schema.js';
import { Count, Ms, Time } from './primitives.js';

const Outcome = z.enum(['completed', 'rolled-back', 'aborted', 'failed', 'running']);

const Stage = z.strictObject({
  name: z.string(),
  kind: z.enum(['RollingUpgrade', 'StorageMigration']),
  to: z.string().describe('A version; of a migration, the cluster that takes the writes after it.'),
  runId: z.string().describe('That of its chapter.'),
  outcome: Outcome.optional().describe('What has become of it in the end; absent: not begun.'),
  chapters: z
    .array(z.string())
    .describe('Run ids of its chapters: the stage itself, and its way back if it was undone later.'),
});

const Writes = z.strictObject({
  acknowledged: Count,
  lost: Count.describe('Each looked for at the end of its own chapter.'),
  unknown: Count,
  resurrected: Count,
  longestGapMs: Ms.nullable().describe('Within a chapter, over all clients.'),
  longestGapDuring: z
    .strictObject({ chapter: z.string().describe('Its run id.'), step: z.string() })
    .nullable(),
  between: z
    .array(
      z.strictObject({
        ms: Ms,
        from: Time,
        to: Time,
        after: z.string().describe('The run id of the chapter before.'),
        before: z.string().describe('The run id of the chapter after.'),
      }),
    )
    .describe(
      'From the last moment of one probe to the first of the next: nothing is known of clients then.',
    ),
});

/**
 * `summary.json` of a pipeline: the whole of it so far. Version 1; fields are only ever added to it. `run.kind` tells
 * it from the summary of a single run.
 */
export const PipelineSummary = z.strictObject({
  schemaVersion: z.literal(1),
  run: z.strictObject({
    id: z.string(),
    workflowId: z.string(),
    kind: z.literal('Pipeline'),
    name: z.string(),
    cluster: z.string().describe('That of the first stage.'),
    system: z.string(),
    target: z.string().describe('What the last stage is to reach.'),
    startedAt: Time,
    endedAt: Time.optional(),
    outcome: Outcome.describe('That of the last chapter, once no further stage will run.'),
  }),
  direction: z.enum(['forward', 'back']).describe('`back`: stages before are being undone, or have been.'),
  asOf: Time.describe('The last thing this summary knows of.'),
  onFailure: z
    .enum(['stay', 'rollback'])
    .describe('Whether a stage that does not complete takes the stages before it back as well.'),
  stages: z.array(Stage).describe('As planned, in order.'),
  pointOfNoReturn: z
    .string()
    .optional()
    .describe('The last stage that completed and cannot be undone: the ones before it cannot either.'),
  unmeasured: z
    .array(z.strictObject({ chapter: z.string(), measurement: z.enum(['pending', 'off', 'missing']) }))
    .describe('Chapters that took a step and have no figures on writes. pending: it is in progress.'),
  writes: Writes.optional().describe(
    'Over all chapters that have ended; present when each of them that took a step measured its writes.',
  ),
  resumeHint: z.string().describe('How to go on from here; empty when the pipeline has ended.'),
  chapters: z
    .array(Summary)
    .describe('What was run, in order: every stage, and every way back. The last one is the current one.'),
});
export type PipelineSummary = z.infer<typeof PipelineSummary>;

/** JSON Schema (draft 2020-12) of `summary.json` of a pipeline. */
export function jsonSchemaOfPipelineSummary(): z.core.JSONSchema.BaseSchema {
  const { $schema, ...rest } = z.toJSONSchema(PipelineSummary);
  return { $schema, title: 'rollgate pipeline summary', ...rest };
}
