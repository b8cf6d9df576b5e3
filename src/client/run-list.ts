import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import {
  RollgateError,
  searchAttributes,
  workflowTypes,
  type Phase,
  type RunState,
} from '../contracts/index.js';
import type { Session } from './session.js';
import { asRollgateError } from './temporal-errors.js';

type Keyword = typeof SearchAttributeType.KEYWORD;

// Its type is written out, because the SDK does not export its name.
const key = (name: string): { name: string; type: Keyword } =>
  defineSearchAttributeKey(name, SearchAttributeType.KEYWORD);

/** The search attributes of every run, typed for the SDK. */
export const attributeKeys = {
  cluster: key(searchAttributes.cluster),
  system: key(searchAttributes.system),
  phase: key(searchAttributes.phase),
  target: key(searchAttributes.target),
};

/** Workflow type → the kind of its runs. */
const kindsOfRuns: ReadonlyMap<string, RunState['run']['kind'] | 'Pipeline'> = new Map<
  string,
  RunState['run']['kind'] | 'Pipeline'
>([
  [workflowTypes.rollingUpgrade, 'RollingUpgrade'],
  [workflowTypes.clusterFormation, 'ClusterFormation'],
  [workflowTypes.storageMigration, 'StorageMigration'],
  [workflowTypes.pipeline, 'Pipeline'],
]);

/** Whether workflows of this type are runs; the others plan and inspect. */
export const isRun = (workflowType: string): boolean => kindsOfRuns.has(workflowType);

export interface RunFilter {
  readonly cluster?: string;
  readonly phase?: Phase;
  /** Default 50. */
  readonly limit?: number;
}

/** One run as Temporal lists it. What it ended with is in its state: see {@link RunHandle.status}. */
export interface RunListing {
  readonly workflowId: string;
  readonly runId: string;
  readonly cluster: string;
  readonly system: string;
  readonly kind: RunState['run']['kind'] | 'Pipeline';
  /** The version; of a formation `a cluster from <seed>`; of a pipeline that of its last stage. */
  readonly target: string;
  /** Of a pipeline. At which stage it is says {@link RunHandle.status}. */
  readonly pipeline?: { readonly name: string; readonly stages: readonly string[] };
  readonly phase: string;
  /** Whether the workflow is running or how it was closed, in Temporal's words. */
  readonly workflow: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly endedAt?: string;
}

/** Newest first. Temporal's list lags behind by up to a second or two. */
export async function listRuns(session: Session, filter: RunFilter): Promise<readonly RunListing[]> {
  const { limit = 50 } = filter;
  const terms = [
    `WorkflowType IN (${[...kindsOfRuns.keys()].map((type) => `'${type}'`).join(', ')})`,
    `ExecutionStatus != 'ContinuedAsNew'`,
    ...equals(searchAttributes.cluster, filter.cluster),
    ...equals(searchAttributes.phase, filter.phase),
  ];
  const runs: RunListing[] = [];
  if (limit < 1) return runs;
  try {
    const found = session.client.workflow.list({
      query: terms.join(' AND '),
      pageSize: Math.min(limit, 200),
    });
    for await (const run of found) {
      const attributes = run.typedSearchAttributes;
      runs.push({
        workflowId: run.workflowId,
        runId:
          run.raw.firstRunId === undefined || run.raw.firstRunId === ''
            ? run.runId
            : (run.raw.firstRunId ?? run.runId),
        cluster: attributes.get(attributeKeys.cluster) ?? '',
        system: attributes.get(attributeKeys.system) ?? '',
        kind: kindsOfRuns.get(run.type) ?? 'RollingUpgrade',
        target: attributes.get(attributeKeys.target) ?? '',
        ...pipelineIn(run.memo),
        phase: attributes.get(attributeKeys.phase) ?? '',
        workflow: run.status.name.toLowerCase(),
        startedAt: run.startTime.toISOString(),
        endedAt: run.closeTime?.toISOString(),
      });
      if (runs.length >= limit) break;
    }
  } catch (error) {
    throw asRollgateError(error, 'the list of runs');
  }
  return runs;
}

/** What the start of a pipeline has written into the memo of its workflow. */
export function pipelineIn(
  memo: Readonly<Record<string, unknown>> | undefined,
): Pick<RunListing, 'pipeline'> {
  const { pipeline: name, stages } = memo ?? {};
  if (typeof name !== 'string' || !Array.isArray(stages)) return {};
  return { pipeline: { name, stages: stages.filter((stage) => typeof stage === 'string') } };
}

function equals(attribute: string, value: string | undefined): string[] {
  if (value === undefined) return [];
  if (!/^[\w.-]+$/.test(value)) {
    throw new RollgateError(
      'USAGE',
      `${value} is no name that a run can have`,
      'Names have letters, digits, "-" and ".".',
    );
  }
  return [`${attribute} = '${value}'`];
}
