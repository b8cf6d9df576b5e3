import type { Obstacle } from '../../../../contracts/index.js';
import { parseStandbyNames } from '../../standby-names.js';
import { streamName } from '../names.js';
import { synchronousWith } from '../switch/synchronous.js';
import { placeOf, rowsOf, type Look, type Question } from './look.js';

/** What `synchronous_standby_names` of a side means for the streams, which are standbys to it like any other. */
export function synchronousQuestions(look: Look): Question[] {
  return [
    look.side === 'source'
      ? { what: 'for which standbys its commits wait', ask: () => countsEveryStandby(look) }
      : { what: 'whether its commits can wait for the source as well', ask: () => cannotWait(look) },
  ];
}

interface Rule {
  readonly names: string;
  readonly self: string;
}

async function ruleOf(look: Look): Promise<Rule> {
  const [rule] = await rowsOf<Rule>(
    look,
    `SELECT current_setting('synchronous_standby_names') AS names, current_setting('cluster_name') AS self`,
  );
  if (!rule) throw new Error('the node returned no settings');
  return rule;
}

/**
 * `*` counts whoever receives, the destination too: a commit could be confirmed because the copy has it, and by no
 * standby. https://www.postgresql.org/docs/18/runtime-config-replication.html#GUC-SYNCHRONOUS-STANDBY-NAMES
 */
async function countsEveryStandby(look: Look): Promise<Obstacle[]> {
  const { names } = await ruleOf(look);
  if (parseStandbyNames(names)?.names.includes('*') !== true) return [];
  return [
    {
      code: 'PG_SYNCHRONOUS_STANDBYS',
      node: look.node,
      message: `synchronous_standby_names of ${placeOf(look)} is '${names}', which counts every standby: the stream ${streamName('forward')} would be one of those by which a commit is confirmed`,
      remedy: `Name the standbys: ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (a, b)'; SELECT pg_reload_conf(); on every node of the ${look.side}, with their application_name.`,
    },
  ];
}

/** The same as is asked for when the writes move: there it would be late to learn it. */
async function cannotWait(look: Look): Promise<Obstacle[]> {
  const { names, self } = await ruleOf(look);
  const rule = synchronousWith(names, self);
  if (rule.kind === 'rule') return [];
  return [
    {
      code: 'PG_SYNCHRONOUS_RULE',
      node: look.node,
      message: `${placeOf(look)}: ${rule.reason}; so its commits cannot wait for the source too, by which a cut-back loses none`,
      remedy: rule.remedy,
      acceptAs: 'reverse-asynchronous',
    },
  ];
}
