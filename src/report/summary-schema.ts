import { z } from 'zod';
import { formationFields } from './schema/formation.js';
import { Migration } from './schema/migration.js';
import { Count, Ms, Time } from './schema/primitives.js';
import { Backup, Switch } from './schema/switch.js';

/**
 * `summary.json`: what a run leaves for programs. Version 1; fields are only ever added to it. Times are
 * ISO 8601 in UTC, durations are milliseconds. A field that could not be learned is absent or `null`, never 0.
 */
const Verdict = z.enum(['pass', 'hold', 'unknown']);
const Reversibility = z.enum(['free', 're-roll', 'cut-back', 'restore', 'none']);

const Run = z.strictObject({
  id: z.string(),
  workflowId: z.string(),
  kind: z.string(),
  name: z.string(),
  cluster: z.string(),
  system: z.string(),
  target: z.string(),
  startedAt: Time,
  endedAt: Time.optional(),
  outcome: z.enum(['completed', 'rolled-back', 'aborted', 'failed', 'running']),
});

const Plan = z.strictObject({
  hash: z.string().describe('What approvals are bound to.'),
  kind: z.enum(['possible', 'done', 'refused']),
  steps: z.array(
    z.strictObject({
      id: z.string(),
      title: z.string(),
      node: z.string().optional(),
      reversibility: Reversibility,
      approval: z.boolean(),
    }),
  ),
  refusals: z.array(
    z.strictObject({
      code: z.string(),
      node: z.string().optional(),
      message: z.string(),
      remedy: z.string(),
      acceptAs: z.string().optional(),
    }),
  ),
  notes: z.array(z.string()),
  pointOfNoReturn: z.string().optional(),
});

const Step = z.strictObject({
  id: z.string(),
  title: z.string(),
  startedAt: Time,
  endedAt: Time.optional(),
  result: z.enum(['done', 'failed', 'skipped', 'interrupted']).optional(),
});

const Node = z.strictObject({
  id: z.string(),
  group: z.string(),
  roleBefore: z.string(),
  roleAfter: z
    .string()
    .describe('As last observed, of a seed that has not served yet its mode; `unknown` when it was not.'),
  from: z.string(),
  to: z.string(),
  version: z.string().optional().describe('The version it last reported itself.'),
  status: z.enum(['pending', 'draining', 'drained', 'upgrading', 'rejoining', 'complete', 'failed']),
  reason: z.string().optional(),
  swappedAt: Time.optional().describe('When its software was first touched; absent: it runs what it ran.'),
  startedAt: Time.optional(),
  endedAt: Time.optional(),
});

const Handover = z.strictObject({
  group: z.string(),
  from: z.string(),
  to: z.string().optional(),
  result: z.enum(['in-progress', 'done', 'restored', 'failed']),
  how: z
    .enum(['fence', 'transfer'])
    .optional()
    .describe(
      'fence: the old primary was stopped first; transfer: one committed operation, whose epoch is the fence. Absent: not told by the plan.',
    ),
  epochBefore: z.int().optional(),
  epochAfter: z.int().optional(),
  fencePosition: z.string().optional().describe("Where the old primary stopped, in the system's notation."),
  candidatePosition: z.string().optional().describe('What the new primary had applied when it was chosen.'),
  writeGapMs: Ms.optional().describe(
    'The longest write gap that overlaps the handover; absent if not measured.',
  ),
  startedAt: Time,
  fencedAt: Time.optional(),
  promotedAt: Time.optional(),
  endedAt: Time.optional(),
});

const Gate = z.strictObject({
  name: z.string(),
  node: z.string().optional(),
  verdict: Verdict,
  observed: z.string(),
  required: z.string(),
  at: Time,
});

const Gap = z.strictObject({ ms: Ms, from: Time, to: Time, during: z.string() });

const Linearizability = z.strictObject({
  verdict: z.enum(['linearizable', 'violated', 'unchecked']),
  operations: Count.describe('Writes and reads in the history; a write without an answer is open-ended.'),
  registers: Count,
  reason: z.string().optional().describe('Why it was not checked, or what no order explains.'),
});

const Writes = z.strictObject({
  acknowledged: Count,
  lost: Count.describe('Acknowledged, and not in the cluster afterwards. More than 0 fails the run.'),
  unknown: Count.describe('Sent and never answered: may or may not be there.'),
  resurrected: Count.describe('Refused, and present afterwards.'),
  lostKeys: z.array(z.string()).describe('Up to 100 of the lost writes.'),
  lostBetween: z
    .strictObject({ from: Time, to: Time })
    .optional()
    .describe('When the first and the last of them were acknowledged; absent: none is lost.'),
  longestGapMs: Ms.nullable().describe('Between two acknowledged writes over all clients.'),
  longestGapDuring: z.string().nullable(),
  longestReadGapMs: Ms.nullable(),
  longestReadGapDuring: z.string().nullable(),
  longestWaitMs: Ms.nullable().describe('Of any one client, from its first attempt to the acknowledgement.'),
  longestWaitDuring: z.string().nullable(),
  gaps: z.array(Gap).describe('The longest write gaps, longest first.'),
  unobserved: z
    .array(Gap)
    .describe('When no probe was alive: nothing is known of clients then, and no gap is told.'),
  reads: Count,
  writers: Count,
  linearizability: Linearizability.optional().describe(
    "Whether one order of all writes and reads explains every read; absent: the system's probe has no registers.",
  ),
  startedAt: Time,
  endedAt: Time,
});

const Failure = z.strictObject({
  code: z.string(),
  message: z.string(),
  remedy: z.string(),
  step: z.string().optional(),
  node: z.string().optional(),
  at: Time,
});

const Borrowed = z.strictObject({
  id: z.string(),
  kind: z.string(),
  node: z.string().optional(),
  name: z.string(),
  formerValue: z.string().optional().describe('Absent: it did not exist before.'),
  value: z.string(),
  borrowedAt: Time,
  giveBack: z.string().describe('What gives it back by hand.'),
});

export const Summary = z.strictObject({
  schemaVersion: z.literal(1),
  run: Run,
  /** `back`: the run is rolling back, or has. */
  direction: z.enum(['forward', 'back']),
  phase: z.string(),
  asOf: Time.describe('The last thing this summary knows of.'),
  plan: Plan.optional().describe('Absent when the run ended before it had one.'),
  steps: z.array(Step).describe('What was really done, in order; a retried step is there again.'),
  nodes: z.array(Node),
  handovers: z.array(Handover),
  switch: Switch.optional().describe('The last version switch of the run.'),
  switches: z.array(Switch).describe('All of them, in order.'),
  backups: z.array(Backup),
  ...formationFields,
  migration: Migration.optional().describe('Of a storage migration.'),
  gates: z.array(Gate).describe('The latest verdict of each gate and node.'),
  measurement: z
    .enum(['measured', 'pending', 'off', 'missing'])
    .describe('pending: the ledger is read at the end; off: no probe was to run; missing: no ledger came.'),
  writes: Writes.optional().describe('Present when measured.'),
  waiting: z
    .strictObject({ step: z.string(), title: z.string(), since: Time, expiresAt: Time })
    .optional()
    .describe('The approval that is waited for.'),
  decisions: z.array(
    z.strictObject({
      action: z.string(),
      by: z.string(),
      reason: z.string(),
      at: Time,
      step: z.string().optional(),
      accepted: z.boolean(),
      note: z.string().optional(),
    }),
  ),
  ledger: z.array(Borrowed).describe('What is still borrowed.'),
  leftUndone: z
    .array(z.strictObject({ what: z.string(), command: z.string(), error: z.string() }))
    .describe('What compensation could not undo, with the command that does.'),
  windows: z
    .array(z.strictObject({ name: z.string(), risk: z.string() }))
    .describe('Windows of possible loss that the spec accepted.'),
  failure: Failure.optional(),
  cause: Failure.optional().describe(
    'For which the run has turned back by itself; it stays when the way back has ended well.',
  ),
  resumeHint: z.string().describe('How to go on from here; empty when the run has ended.'),
  faults: z
    .array(z.strictObject({ kind: z.string(), during: z.string(), at: Time }))
    .describe('Faults that were injected on purpose, by the demo or a test.'),
  timeline: z.array(
    z.strictObject({
      at: Time,
      kind: z.string(),
      step: z.string().optional(),
      node: z.string().optional(),
      text: z.string(),
    }),
  ),
});
export type Summary = z.infer<typeof Summary>;

/** JSON Schema (draft 2020-12) of `summary.json`. */
export function jsonSchemaOfSummary(): z.core.JSONSchema.BaseSchema {
  const { $schema, ...rest } = z.toJSONSchema(Summary);
  return { $schema, title: 'rollgate summary', ...rest };
}
