import type { Obstacle } from '../../../../contracts/index.js';
import { majorOf, namesOf, placeOf, type Look, type Question } from './look.js';

/** What is asked before everything else: without these answers the other questions cannot be asked. */
export function privileges(look: Look): Obstacle[] {
  if (look.superuser) return [];
  return [
    {
      code: 'PG_PRIVILEGES',
      node: look.node,
      message: `rollgate's role is not a superuser on ${placeOf(look)}`,
      remedy:
        'Use a superuser (ALTER ROLE … SUPERUSER;): a publication of all tables, the event trigger against DDL and the verifiers of passwords need one.',
    },
  ];
}

/**
 * Both sides subscribe to each other at the same time, and what one has received it must not send back: `origin = none`
 * is there since 16.
 */
const oldest = 16;

/** https://www.postgresql.org/docs/18/sql-createsubscription.html#SQL-CREATESUBSCRIPTION-PARAMS-WITH-ORIGIN */
export function versions(source: Look, destination: Look): Obstacle[] {
  const found: Obstacle[] = [];
  if (majorOf(source) < oldest) {
    found.push({
      code: 'PG_SOURCE_TOO_OLD',
      node: source.node,
      message: `${placeOf(source)} runs ${source.version}, and changes can be sent both ways since ${oldest} (origin = none)`,
      remedy: `Bring the source to ${oldest} or later by pg_upgrade first.`,
    });
  }
  if (destination.versionNumber < source.versionNumber) {
    found.push({
      code: 'PG_DESTINATION_OLDER',
      node: destination.node,
      message: `${placeOf(destination)} runs ${destination.version}, which is older than ${source.version} of ${placeOf(source)}`,
      remedy: `Run the destination on ${source.version} or later; or exchange source and destination in the spec, if that was meant.`,
    });
  }
  return found;
}

const identifierOf = async (look: Look): Promise<string | undefined> =>
  (await namesOf(look, 'SELECT system_identifier::text AS name FROM pg_control_system()'))[0];

export function identityQuestion(source: Look, destination: Look): Question {
  return {
    what: 'its system identifier',
    async ask() {
      const [a, b] = [await identifierOf(source), await identifierOf(destination)];
      if (a !== b) return [];
      return [
        {
          code: 'PG_SAME_CLUSTER',
          node: destination.node,
          message: `${placeOf(source)} and ${placeOf(destination)} have the same system identifier (${a ?? 'none'}): they are one cluster, or one was made from the other's files`,
          remedy:
            'Initialise the destination with initdb of the new version, and correct its address in the cluster file.',
        },
      ];
    },
  };
}
