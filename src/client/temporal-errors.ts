import {
  isGrpcServiceError,
  NamespaceNotFoundError,
  WorkflowFailedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { ApplicationFailure, TerminatedFailure, CancelledFailure, TimeoutFailure } from '@temporalio/common';
import { errorCatalogue, messageOf, RollgateError, type ErrorCode } from '../contracts/index.js';

/** gRPC status codes, as https://grpc.io/docs/guides/status-codes/ numbers them. */
export const grpcCode = {
  cancelled: 1,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  failedPrecondition: 9,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** The gRPC status behind an error of the SDK, if there is one. */
export function grpcStatusOf(error: unknown): number | undefined {
  if (isGrpcServiceError(error)) return error.code;
  return error instanceof Error && error.cause !== undefined ? grpcStatusOf(error.cause) : undefined;
}

/**
 * What the SDK threw, in the words of the error catalogue.
 *
 * @param about what it was about, e.g. `rollgate/orders`
 */
export function asRollgateError(error: unknown, about: string): RollgateError {
  if (error instanceof RollgateError) return error;
  if (error instanceof NamespaceNotFoundError) return noNamespace(error);
  if (error instanceof WorkflowNotFoundError) return notFound(about, error);
  if (error instanceof WorkflowFailedError) return endedBadly(error, about);
  const status = grpcStatusOf(error);
  if (status === grpcCode.notFound) return notFound(about, error);
  if (
    status === grpcCode.unavailable ||
    status === grpcCode.deadlineExceeded ||
    status === grpcCode.cancelled
  )
    return silent(error, about);
  if (status === grpcCode.permissionDenied || status === grpcCode.unauthenticated)
    return refused(error, about);
  return unforeseen(error, about);
}

const silent = (error: unknown, about: string): RollgateError =>
  new RollgateError(
    'TEMPORAL_UNREACHABLE',
    `the Temporal server did not answer about ${about}: ${rootMessage(error)}`,
    'Look whether it runs and can be reached, then try again. A run in progress goes on by itself.',
    { cause: error },
  );

const refused = (error: unknown, about: string): RollgateError =>
  new RollgateError(
    'TEMPORAL_UNREACHABLE',
    `the Temporal server refused the request about ${about}: ${rootMessage(error)}`,
    'Give this client a key or certificate that may read and write the namespace.',
    { cause: error },
  );

const noNamespace = (error: NamespaceNotFoundError): RollgateError =>
  new RollgateError(
    'TEMPORAL_UNREACHABLE',
    `the Temporal server has no namespace ${error.namespace}`,
    `Create it (temporal operator namespace create --namespace ${error.namespace}) or set TEMPORAL_NAMESPACE.`,
    { cause: error },
  );

const notFound = (about: string, cause: unknown): RollgateError =>
  new RollgateError(
    'RUN_NOT_FOUND',
    `there is no run ${about}`,
    'rollgate list shows the runs of this namespace.',
    { cause },
  );

const unforeseen = (error: unknown, about: string): RollgateError =>
  rootMessage(error).includes('search attribute')
    ? new RollgateError(
        'NO_WORKER',
        `the namespace lacks the search attributes of runs, so no worker has served it yet: ${rootMessage(error)}`,
        'Start a worker (rollgate worker): it registers them. Where it may not, rollgate doctor prints the commands.',
        { cause: error },
      )
    : new RollgateError(
        'INTERNAL',
        `unexpected about ${about}: ${rootMessage(error)}`,
        'Run rollgate doctor; the run itself, if there is one, is not changed by this error.',
        { cause: error },
      );

/** A workflow that ended without a result. */
function endedBadly(error: WorkflowFailedError, about: string): RollgateError {
  const failure = applicationFailureIn(error.cause);
  if (failure) {
    const code = failure.type ?? '';
    return new RollgateError(
      isCode(code) ? code : 'INTERNAL',
      failure.message,
      remedyOf(failure) ?? 'Look at the workflow in the Temporal UI.',
      { cause: error },
    );
  }
  return new RollgateError(
    'INTERNAL',
    `${about} ${howItEnded(error.cause)}`,
    'Its compensation has not run. Look at the cluster (rollgate doctor -f FILE), then start the run again: it goes on from what it finds.',
    { cause: error },
  );
}

function howItEnded(cause: Error | undefined): string {
  if (cause instanceof TerminatedFailure) return `was terminated in Temporal: ${cause.message}`;
  if (cause instanceof CancelledFailure) return 'was cancelled in Temporal';
  if (cause instanceof TimeoutFailure) return 'ran out of time in Temporal';
  return `failed in Temporal: ${cause === undefined ? 'no cause is recorded' : cause.message}`;
}

function applicationFailureIn(error: unknown): ApplicationFailure | undefined {
  if (error instanceof ApplicationFailure) return error;
  return error instanceof Error && error.cause !== undefined ? applicationFailureIn(error.cause) : undefined;
}

function remedyOf(failure: ApplicationFailure): string | undefined {
  const detail: unknown = failure.details?.[0];
  if (typeof detail !== 'object' || detail === null || !('remedy' in detail)) return undefined;
  return typeof detail.remedy === 'string' ? detail.remedy : undefined;
}

const isCode = (code: string): code is ErrorCode => Object.hasOwn(errorCatalogue, code);

/** The innermost message: the SDK's outer ones only say which call it was. */
function rootMessage(error: unknown): string {
  if (isGrpcServiceError(error)) return error.details;
  return error instanceof Error && error.cause !== undefined ? rootMessage(error.cause) : messageOf(error);
}
