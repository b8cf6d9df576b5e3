import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { ClientConfig } from 'pg';
import { messageOf } from '../../../contracts/index.js';
import type { Sides } from './plain-work.js';
import { benchTables, keysOf, rowsOf } from './tables.js';

/** Its newest release takes versions of what it needs that it does not run with: these are older ones of the same. */
const packages = ['data-diff==0.11.2', 'psycopg2-binary', 'dbt-core<1.9', 'pydantic<2'];

/** It compares no table without a key. */
const compared = benchTables.filter((table) => keysOf[table].length > 0);

export interface DataDiff {
  /** Both sides, table by table. @param threads for each database @returns ms, without the start of its process */
  compare(sides: Sides, threads: number, signal: AbortSignal): Promise<number>;
  /** How many rows of each side it compares, of so many in all. */
  rows(all: number): number;
}

/** In a virtual environment below `directory`, from PyPI; or why it cannot be had. */
export async function installDataDiff(
  directory: string,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<DataDiff | { readonly leftOut: string }> {
  const environment = join(directory, 'data-diff');
  say(`installs ${packages.join(', ')} from PyPI into ${environment}`);
  const program = (name: string): string => join(environment, 'bin', name);
  try {
    await output('python3', ['-m', 'venv', environment], signal);
    const quietly = ['install', '--quiet', '--disable-pip-version-check', '--no-input'];
    await output(program('pip'), [...quietly, ...packages], signal);
    await output(program('data-diff'), ['--version'], signal);
  } catch (error) {
    signal.throwIfAborted();
    return { leftOut: `data-diff could not be installed: ${messageOf(error)}` };
  }
  const timed = async (args: readonly string[], signal: AbortSignal) => {
    const began = performance.now();
    const said = await output(program('data-diff'), args, signal);
    return { said, ms: performance.now() - began };
  };
  return {
    rows: (all) => compared.reduce((sum, table) => sum + rowsOf(table, all), 0),
    async compare(sides, threads, signal) {
      let ms = 0;
      for (const table of compared) {
        const start = await timed(['--version'], signal);
        const found = await timed(
          [
            ...[urlOf(sides.source), `bench.${table}`, urlOf(sides.destination), `bench.${table}`],
            ...keysOf[table].flatMap((key) => ['-k', key]),
            ...['-c', '%', '-j', String(threads), '--algorithm', 'hashdiff', '--no-tracking'],
          ],
          signal,
        );
        // It tells rows as `+ …` and `- …`, and warnings beside them.
        const rows = found.said.split('\n').filter((line) => /^[+-] /.test(line));
        if (rows.length > 0) {
          throw new Error(
            `data-diff finds ${rows.length} rows of ${table} to differ that are equal: ${rows[0] ?? ''}`,
          );
        }
        ms += found.ms - start.ms;
      }
      return ms;
    },
  };
}

const urlOf = ({ user, password, host, port, database }: ClientConfig): string =>
  `postgresql://${user ?? ''}:${encodeURIComponent(String(password))}@${host ?? ''}:${port ?? ''}/${database ?? ''}`;

/** What a program writes to stdout. @throws Error with the end of its stderr when it fails */
async function output(program: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  const child = spawn(program, [...args], { stdio: ['ignore', 'pipe', 'pipe'], signal });
  const [said, complained] = [text(child.stdout), text(child.stderr)];
  const [code] = (await once(child, 'close')) as [number | null];
  if (code === 0) return said;
  const why = (await complained).trim().split('\n').slice(-3).join(' ');
  throw new Error(`${program} ended with ${code ?? 'a signal'}: ${why}`);
}
