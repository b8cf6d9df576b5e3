import type { Obstacle } from '../../contracts/index.js';
import { replicationOf, ruleOf, type Answer } from './answer.js';
import type { NodeFacts } from './facts.js';
import { bookkeeping } from './migration/names.js';

/** What of a PostgreSQL cluster forbids a run, by name; each is explained in docs/systems/postgres.md. */
export function obstaclesOf(answers: readonly Answer[]): Obstacle[] {
  const primary = answers.find((a) => a.facts?.inRecovery === false);
  return [
    ...answers.flatMap((a) => (a.facts ? nodeObstacles(a.spec.id, a.facts) : [])),
    ...(primary?.facts ? primaryObstacles(primary.spec.id, primary.facts, answers) : []),
    ...mixedMajors(answers),
    ...severalGroups(answers),
  ];
}

/** Slots, standby names and the scratch schema are looked for in one replication group. */
function severalGroups(answers: readonly Answer[]): Obstacle[] {
  const groups = new Set(answers.map((a) => a.spec.group));
  if (groups.size < 2) return [];
  return [
    {
      code: 'PG_SEVERAL_GROUPS',
      message: `the cluster file has the groups ${[...groups].join(', ')}, and a PostgreSQL cluster is one: a primary and its replicas`,
      remedy: 'Write one cluster file for each primary with its replicas.',
    },
  ];
}

function nodeObstacles(node: string, facts: NodeFacts): Obstacle[] {
  const found: Obstacle[] = [];
  if (!facts.superuser) {
    found.push({
      code: 'PG_PRIVILEGES',
      node,
      message: `rollgate's role is not a superuser on ${node}`,
      remedy: 'Use a superuser: re-pointing replicas needs ALTER SYSTEM, and promotion needs pg_promote.',
    });
  }
  if (facts.replayPaused) {
    found.push({
      code: 'PG_REPLAY_PAUSED',
      node,
      message: `replay is paused on ${node}`,
      remedy: `Run pg_wal_replay_resume() on ${node}, or wait until whoever paused it is done.`,
    });
  }
  if (facts.applyDelayMs > 0) {
    found.push({
      code: 'PG_APPLY_DELAY',
      node,
      message: `${node} applies with a delay of ${facts.applyDelayMs} ms (recovery_min_apply_delay)`,
      remedy: 'Set recovery_min_apply_delay to 0 for the upgrade: a delayed replica never reaches lag 0.',
    });
  }
  if (facts.baseBackups > 0) {
    found.push({
      code: 'PG_BACKUP_IN_PROGRESS',
      node,
      message: `${facts.baseBackups} base backup(s) in progress on ${node}`,
      remedy: 'Wait until it has ended: stopping the node would destroy it.',
    });
  }
  return found;
}

function primaryObstacles(node: string, facts: NodeFacts, answers: readonly Answer[]): Obstacle[] {
  const found: Obstacle[] = [];
  const rule = ruleOf(facts);
  const waits = !['off', 'local'].includes(facts.synchronousCommit);
  if (rule.kind === 'known' && (!rule.value || rule.value.count === 0 || !waits)) {
    found.push({
      code: 'PG_ASYNCHRONOUS',
      node,
      message:
        'commits wait for no replica: if the primary is lost in an unplanned way, its last writes are lost',
      remedy: 'Set synchronous_standby_names (and synchronous_commit = on).',
      acceptAs: 'asynchronous-replication',
    });
  }
  if (facts.logicalSlots.length > 0) {
    found.push({
      code: 'PG_LOGICAL_SLOTS',
      node,
      message: `${node} has logical replication slots (${facts.logicalSlots.join(', ')}), which a new primary does not have`,
      remedy:
        'Drop them, or recreate them on the new primary and resynchronise their subscribers afterwards.',
      acceptAs: 'logical-slots-lost',
    });
  }
  if (facts.migrating) {
    found.push({
      code: 'PG_MIGRATION',
      node,
      message: `${node} is a side of a storage migration (schema ${bookkeeping}): what reads it from the other side names this primary`,
      remedy:
        'Wait until the migration is accepted or taken back; where no run goes on with it: rollgate migrate discard.',
    });
  }
  for (const answer of answers) {
    const { id } = answer.spec;
    if (id === node || answer.facts?.inRecovery !== true || replicationOf(facts, id)) continue;
    found.push({
      code: 'PG_APPLICATION_NAME',
      node: id,
      message: `${node} sees no replication connection named ${id} (it sees ${facts.replication.map((r) => r.name).join(', ') || 'none'})`,
      remedy: `Let ${id} stream from ${node} with application_name=${id} in its primary_conninfo.`,
    });
  }
  return found;
}

function mixedMajors(answers: readonly Answer[]): Obstacle[] {
  const majors = new Set(answers.flatMap((a) => (a.facts ? [a.facts.version.split('.')[0]] : [])));
  if (majors.size < 2) return [];
  return [
    {
      code: 'PG_MIXED_MAJORS',
      message: `the nodes are of different major versions: ${[...majors].join(', ')}`,
      remedy: 'Correct the addresses in the cluster file: nodes of one group have one major version.',
    },
  ];
}
