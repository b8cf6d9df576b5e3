import { link, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { RollgateError } from '../../contracts/index.js';
import { processFacts } from '../../hosts/local/process-facts.js';
import { isAbsent } from '../absent.js';
import type { ProbeLayout } from '../layout.js';
import { readBeat, type Beat } from './beat.js';

const Claim = z.object({
  session: z.int().min(1),
  pid: z.int().min(1),
  /** Tells this process from any other that has had the same id: made of its start time. */
  token: z.string().min(1),
  host: z.string(),
  /** How long its last write may take when it is told to stop, ms. */
  timeout: z.number(),
});

/** One life of the probe's process, from its claim on the journals to its end. */
export interface Session extends z.infer<typeof Claim> {
  readonly beat: Beat | undefined;
  /** `elsewhere`: it lives on another host (or in another container), by its beats. */
  readonly state: 'alive' | 'elsewhere' | 'gone';
}

/** A process that cannot be looked at from here counts as alive this long after its last sign of life, ms. */
const foreignPatience = 10_000;

const claimPath = (layout: ProbeLayout, session: number): string => join(layout.sessions, `${session}.json`);

/** Every session of the run, oldest first. */
export async function sessionNumbers(layout: ProbeLayout): Promise<number[]> {
  try {
    const names = await readdir(layout.sessions);
    return names
      .flatMap((name) => /^(\d+)\.json$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

/** The latest session: the only one that can be alive. */
export async function latestSession(layout: ProbeLayout): Promise<Session | undefined> {
  const latest = (await sessionNumbers(layout)).at(-1);
  if (latest === undefined) return undefined;
  const claim = Claim.parse(JSON.parse(await readFile(claimPath(layout, latest), 'utf8')));
  const beat = await readBeat(layout, latest);
  return { ...claim, beat, state: await stateOf(claim, beat) };
}

async function stateOf(claim: z.infer<typeof Claim>, beat: Beat | undefined): Promise<Session['state']> {
  if (claim.host !== hostname()) {
    const recent = beat !== undefined && Date.now() - beat.at < foreignPatience;
    return recent && beat.stage !== 'ended' ? 'elsewhere' : 'gone';
  }
  return (await lookAt(claim.pid))?.token === claim.token ? 'alive' : 'gone';
}

/** @throws PROBE_FAILED when the process cannot be examined: neither alive nor gone is known then */
async function lookAt(pid: number) {
  try {
    return await processFacts(pid);
  } catch (error) {
    throw new RollgateError(
      'PROBE_FAILED',
      `whether process ${pid} is the probe of this run cannot be seen`,
      'Run all workers of this host as the same user.',
      { cause: error },
    );
  }
}

/**
 * Make this process the one that writes the journals. Of several processes that try, one gets it: a claim is a
 * file that is linked into place whole, under the number after that of a session which is gone.
 * @returns the number of the session; `undefined` while another process holds the journals
 */
export async function claimSession(layout: ProbeLayout, timeout: number): Promise<number | undefined> {
  const self = await lookAt(process.pid);
  if (!self) throw new Error('a process must be able to see itself');
  const draft = join(layout.sessions, `claim-${process.pid}.tmp`);
  try {
    for (;;) {
      const latest = await latestSession(layout);
      if (latest && latest.state !== 'gone') return undefined;
      const session = (latest?.session ?? 0) + 1;
      const claim = { session, pid: process.pid, token: self.token, host: hostname(), timeout };
      await writeFile(draft, `${JSON.stringify(claim)}\n`, { mode: 0o600 });
      if (await linkInto(draft, claimPath(layout, session))) return session;
    }
  } finally {
    await rm(draft, { force: true });
  }
}

async function linkInto(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}
