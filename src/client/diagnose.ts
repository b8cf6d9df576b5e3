import { RollgateError, searchAttributes } from '../contracts/index.js';
import { temporalAddress } from '../worker/connection.js';
import { missingSearchAttributes } from '../worker/search-attributes.js';
import type { Session, SessionSource } from './session.js';
import { workersOf } from './task-queue.js';
import { asRollgateError } from './temporal-errors.js';

/** One thing that must be in order before a run can go well. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What was seen. */
  readonly observed: string;
  /** What to do, where it is not in order. */
  readonly remedy?: string;
}

/** A worker asks for work at least once a minute. */
const freshMs = 90_000;

/** Everything between this process and a worker. Stops at the first check without which the others cannot be made. */
export async function diagnose(sessions: SessionSource): Promise<readonly Check[]> {
  let session: Session;
  try {
    session = await sessions.open();
  } catch (error) {
    return [failed('temporal', error)];
  }
  const address = session.connection.options.address;
  const checks: Check[] = [
    {
      name: 'temporal',
      ok: true,
      observed: `a server answers at ${address === '' ? temporalAddress() : address}`,
    },
  ];
  const namespace = await check('namespace', () => checkNamespace(session));
  checks.push(namespace);
  if (!namespace.ok) return checks;
  checks.push(await check('search attributes', () => checkSearchAttributes(session)));
  checks.push(await check('workers', () => checkWorkers(session)));
  return checks;
}

async function check(name: string, make: () => Promise<Omit<Check, 'name'>>): Promise<Check> {
  try {
    return { name, ...(await make()) };
  } catch (error) {
    return failed(name, error);
  }
}

function failed(name: string, error: unknown): Check {
  const { message, remedy } = asRollgateError(error, `the ${name}`);
  return { name, ok: false, observed: message, remedy };
}

async function checkNamespace(session: Session): Promise<Omit<Check, 'name'>> {
  const { namespace } = session;
  try {
    await session.connection.workflowService.describeNamespace({ namespace });
    return { ok: true, observed: `${namespace} exists` };
  } catch (error) {
    const known = asRollgateError(error, `namespace ${namespace}`);
    if (known.code !== 'RUN_NOT_FOUND') throw known;
    throw new RollgateError(
      'TEMPORAL_UNREACHABLE',
      `the Temporal server has no namespace ${namespace}`,
      `Create it (temporal operator namespace create --namespace ${namespace}) or set TEMPORAL_NAMESPACE.`,
      { cause: error },
    );
  }
}

async function checkSearchAttributes(session: Session): Promise<Omit<Check, 'name'>> {
  const missing = await missingSearchAttributes(session.connection, session.namespace);
  if (missing.length === 0)
    return { ok: true, observed: `${Object.values(searchAttributes).join(', ')} are registered` };
  const flags = missing.map((name) => `--name ${name} --type Keyword`).join(' ');
  return {
    ok: false,
    observed: `not registered: ${missing.join(', ')}`,
    remedy: `Start a worker, which registers them, or: temporal operator search-attribute create --namespace ${session.namespace} ${flags}`,
  };
}

async function checkWorkers(session: Session): Promise<Omit<Check, 'name'>> {
  const seen = await workersOf(session);
  const remedy = `Start one: rollgate worker --task-queue ${session.taskQueue}`;
  const alive = seen.filter((w) => Date.now() - Date.parse(w.lastSeen) < freshMs);
  if (alive.length > 0) {
    return {
      ok: true,
      observed: `${alive.length} on task queue ${session.taskQueue}: ${alive.map((w) => w.identity).join(', ')}`,
    };
  }
  const last = seen
    .map((w) => w.lastSeen)
    .sort()
    .at(-1);
  return {
    ok: false,
    observed: `none on task queue ${session.taskQueue}${last === undefined ? '' : `; the last was seen ${last}`}`,
    remedy,
  };
}
