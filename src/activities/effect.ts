import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import type { EffectContext, SecretResolver } from '../contracts/index.js';
import { messageOf, RollgateError } from '../contracts/index.js';

/** How often a living effect tells Temporal so, ms: well below the shortest heartbeat timeout. */
const heartbeatEvery = 250;

/**
 * Run one effect for a Temporal activity: it heartbeats as long as it runs, is cancelled with the activity, and
 * its errors become failures whose type is the code of the error catalogue, with every secret taken out.
 */
export async function effect<T>(
  runId: string,
  secrets: SecretResolver,
  run: (ctx: EffectContext) => Promise<T>,
): Promise<T> {
  const context = Context.current();
  let details: unknown = context.info.heartbeatDetails;
  const timer = setInterval(() => context.heartbeat(details), heartbeatEvery);
  try {
    return await run({
      runId,
      resumed: context.info.heartbeatDetails as unknown,
      signal: context.cancellationSignal,
      heartbeat: (seen) => {
        details = seen;
        context.heartbeat(seen);
      },
    });
  } catch (error) {
    throw toFailure(error, secrets);
  } finally {
    clearInterval(timer);
  }
}

/** Details of a failure: `[{ remedy }]`. `final`: not to be tried again, whatever its code says. */
export function toFailure(
  error: unknown,
  secrets: SecretResolver,
  { final = false }: { final?: boolean } = {},
): Error {
  if (error instanceof CancelledFailure || error instanceof ApplicationFailure) return error;
  if (error instanceof RollgateError) {
    return ApplicationFailure.create({
      type: error.code,
      message: secrets.redact(error.message),
      nonRetryable: final || !error.retryable,
      details: [{ remedy: secrets.redact(error.remedy) }],
    });
  }
  const failure = ApplicationFailure.create({
    type: 'INTERNAL',
    message: secrets.redact(messageOf(error)),
    details: [{ remedy: 'Read the worker log for the details; retry the step, or roll back.' }],
  });
  if (error instanceof Error && error.stack) failure.stack = secrets.redact(error.stack);
  return failure;
}
