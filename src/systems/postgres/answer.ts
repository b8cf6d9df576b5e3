import {
  known,
  messageOf,
  unknown,
  type NodeSpec,
  type Observed,
  type Position,
} from '../../contracts/index.js';
import type { NodeFacts } from './facts.js';
import { parseStandbyNames } from './standby-names.js';

/** What one node said, or why it said nothing. `replayed` was read after every primary's position. */
export interface Answer {
  readonly spec: NodeSpec;
  readonly facts?: NodeFacts;
  readonly replayed?: Position;
  readonly failure?: string;
}

/** By application_name, which must be the node's id: https://www.postgresql.org/docs/17/warm-standby.html */
export const replicationOf = (facts: NodeFacts, id: string): NodeFacts['replication'][number] | undefined =>
  facts.replication.find((r) => r.name.toLowerCase() === id.toLowerCase());

export function ruleOf(facts: NodeFacts): Observed<ReturnType<typeof parseStandbyNames>> {
  try {
    return known(parseStandbyNames(facts.standbyNames));
  } catch (error) {
    return unknown(messageOf(error));
  }
}
