import type { StopSafety } from '../../contracts/index.js';
import { replicationOf, ruleOf, type Answer } from './answer.js';
import { counted, type StandbyRule } from './standby-names.js';

const windowName = 'sole-synchronous-replica-down';
const risk =
  'while it is open a commit is acknowledged by the primary alone; if the primary is lost then, such writes are lost';
const setting = 'synchronous_standby_names';

/** Would the commit of a synchronous write still have its quorum without this node? */
export function stopSafety(
  node: Answer,
  answers: readonly Answer[],
  primary: Answer | undefined,
): StopSafety {
  if (!primary?.facts) return { verdict: 'unknown', evidence: 'no single primary answers' };
  const { facts } = primary;
  if (facts.replication.some((r) => r.state === 'hidden')) {
    return { verdict: 'unknown', evidence: 'pg_stat_replication hides its states from this role' };
  }
  const streaming = answers
    .filter((a) => a.spec.id !== primary.spec.id)
    .map((a) => a.spec.id)
    .filter((id) => replicationOf(facts, id)?.state === 'streaming');
  return node.spec.id === primary.spec.id
    ? primaryStop(primary, answers, streaming)
    : replicaStop(node, primary, streaming);
}

function replicaStop(node: Answer, primary: Answer, streaming: readonly string[]): StopSafety {
  const rule = primary.facts && ruleOf(primary.facts);
  if (!rule || rule.kind === 'unknown') return { verdict: 'unknown', evidence: rule?.reason ?? 'no rule' };
  if (!rule.value) return { verdict: 'pass', evidence: 'commits wait for no replica' };
  const left = counted(
    rule.value,
    streaming.filter((id) => id !== node.spec.id),
  );
  const evidence = evidenceOf(rule.value, left, node.spec.id);
  if (left.length >= rule.value.count) return { verdict: 'pass', evidence };
  return {
    verdict: 'hold',
    evidence,
    window: { name: windowName, risk, borrow: [{ node: primary.spec.id, setting, value: '' }] },
  };
}

/** After a handover to any other node, the commits of that one must find their quorum among the rest. */
function primaryStop(primary: Answer, answers: readonly Answer[], streaming: readonly string[]): StopSafety {
  const candidates = answers.filter((a) => streaming.includes(a.spec.id));
  if (candidates.length === 0)
    return { verdict: 'hold', evidence: `no replica streams from ${primary.spec.id}` };
  const short: { node: string; evidence: string }[] = [];
  for (const candidate of candidates) {
    const rule = candidate.facts && ruleOf(candidate.facts);
    if (!rule || rule.kind === 'unknown') {
      return { verdict: 'unknown', evidence: `the setting ${setting} of ${candidate.spec.id} is not known` };
    }
    if (!rule.value) continue;
    const left = counted(
      rule.value,
      streaming.filter((id) => id !== candidate.spec.id),
    );
    if (left.length < rule.value.count) {
      short.push({ node: candidate.spec.id, evidence: evidenceOf(rule.value, left, primary.spec.id) });
    }
  }
  const [first] = short;
  if (!first)
    return { verdict: 'pass', evidence: `any of ${streaming.join(', ')} can take over with its quorum` };
  return {
    verdict: 'hold',
    evidence: `with ${first.node} as primary: ${first.evidence}`,
    window: { name: windowName, risk, borrow: short.map(({ node }) => ({ node, setting, value: '' })) },
  };
}

const evidenceOf = (rule: StandbyRule, left: readonly string[], without: string): string =>
  `a commit needs ${rule.count} of ${rule.names.join(', ')}; without ${without} there are ${left.length}${left.length > 0 ? ` (${left.join(', ')})` : ''}`;
