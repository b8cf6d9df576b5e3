import { valueOf } from '../../contracts/observed.js';
import type { ArtifactReport, PlanNode, Refusal } from '../../contracts/plan.js';
import { notLearned, removed, type PlanInput } from './input.js';

/** The target must be there for the way forward, the former version for the way back. */
export function artifactRefusals(input: PlanInput, changes: readonly PlanNode[]): readonly Refusal[] {
  return changes.flatMap((node) => [
    ...(node.to === removed ? [] : refusal(input, node, node.to, 'the target')),
    ...(node.from === notLearned
      ? []
      : [...refusal(input, node, node.from, 'the way back'), ...installedRefusal(input, node)]),
  ]);
}

/** A handover that is taken back starts the old primary again: with what its host has installed. */
function installedRefusal({ installed }: PlanInput, node: PlanNode): Refusal[] {
  const record = installed[node.id];
  if (record && valueOf(record) === node.from) return [];
  const seen =
    record?.kind === 'known'
      ? `its host has ${record.value ?? 'no version'} recorded as installed`
      : `what its host has installed is not known${record ? `: ${record.reason}` : ''}`;
  return [
    {
      code: 'NOT_INSTALLED',
      node: node.id,
      message: `${node.id} runs ${node.from}, and ${seen}`,
      remedy: `Let the host's record name ${node.from} (the system's page in the docs shows how), then plan again: without it ${node.id} could not be started again as it was.`,
    },
  ];
}

function refusal(
  input: PlanInput,
  node: PlanNode,
  version: string,
  what: 'the target' | 'the way back',
): Refusal[] {
  const report = input.artifacts.find((a) => a.node === node.id && a.version === version);
  const problem = problemOf(report?.state, node.id, version);
  if (!problem) return [];
  const back = what === 'the way back' ? ' A rollback would need it.' : '';
  return [
    {
      code: problem.code,
      node: node.id,
      message: `${version} (${what}) for ${node.id}: ${problem.seen}`,
      remedy: `${problem.remedy}${back}`,
    },
  ];
}

function problemOf(
  state: ArtifactReport['state'] | undefined,
  node: string,
  version: string,
): { code: string; seen: string; remedy: string } | undefined {
  switch (state?.kind) {
    case 'ok':
      return undefined;
    case 'absent':
      return {
        code: 'ARTIFACT_ABSENT',
        seen: `there is nothing at ${state.path} on its host`,
        remedy: `Put ${version} at ${state.path} on the host of ${node}, then plan again.`,
      };
    case 'differs':
      return {
        code: 'ARTIFACT_MISMATCH',
        seen: `its host has sha256 ${state.actual}, the cluster file declares ${state.expected}`,
        remedy:
          'Put the declared artifact there; or, if you trust what is there, declare its digest (`rollgate digest <directory>`). Then plan again.',
      };
    case 'undeclared':
      return {
        code: 'ARTIFACT_UNDECLARED',
        seen: 'the cluster file declares no artifact of it',
        remedy: `Add artifacts."${version}" with path and sha256 to the cluster file, then plan again.`,
      };
    case 'unknown':
      return {
        code: 'ARTIFACT_UNKNOWN',
        seen: `it could not be verified: ${state.reason}`,
        remedy: `Make it readable for the worker on the host of ${node}, then plan again.`,
      };
    case undefined:
      return { code: 'ARTIFACT_UNKNOWN', seen: 'it was not verified', remedy: 'Plan again.' };
  }
}
