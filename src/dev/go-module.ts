import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf } from '../contracts/index.js';
import { digestDirectory } from '../hosts/artifact-digest.js';
import { fileErrorCode } from '../hosts/local/file-error.js';
import { keepArtifact, type KeptArtifact } from './kept-artifact.js';

/** A Go module whose dependencies are all pinned by its go.mod and go.sum. */
export interface GoModule {
  /** What the kept artifact is called; a hash is added. */
  readonly name: string;
  /** The folder of the module. */
  readonly sources: string;
  /** Name of a program → its package, e.g. `.` for the module itself. */
  readonly programs: Readonly<Record<string, string>>;
  /** What it is called on screen, e.g. `etcd 3.6.16`. */
  readonly label: string;
  /** How long the build takes, in words. */
  readonly takes: string;
}

/** Nothing of the machine or the checkout gets into the programs, and go.mod stays as it is. */
const flags = ['-trimpath', '-buildvcs=false', '-mod=readonly', '-ldflags=-s -w'];
const environment = { CGO_ENABLED: '0', GOWORK: 'off' };

/**
 * The programs of a module as an artifact with each of them at its root: built once with Go and kept until a file
 * of the module changes, digested again by every process that uses them.
 *
 * @param say is told what happens when it takes long
 * @throws Error when Go is not there or cannot build it
 */
export async function prepareGoModule(
  module: GoModule,
  say: (line: string) => void = () => undefined,
): Promise<KeptArtifact> {
  const hash = createHash('sha256').update(await digestDirectory(module.sources));
  hash.update(JSON.stringify([module.programs, flags, environment, process.platform, process.arch]));
  const name = `${module.name}-${hash.digest('hex').slice(0, 12)}`;
  return keepArtifact(name, (to) => build(module, to, say));
}

async function build(
  { label, takes, programs, sources }: GoModule,
  to: string,
  say: (line: string) => void,
): Promise<void> {
  const started = performance.now();
  const seconds = () => Math.round((performance.now() - started) / 1000);
  say(`building ${label} with Go, ${takes}, once; it is kept in ${dirname(dirname(to))}`);
  const timer = setInterval(() => say(`still building ${label}, ${seconds()} s so far`), 15_000);
  try {
    await mkdir(to, { mode: 0o755 });
    for (const [program, path] of Object.entries(programs)) {
      await go(label, ['build', ...flags, '-o', join(to, program), path], sources);
    }
    say(`${label} is built (${seconds()} s)`);
  } finally {
    clearInterval(timer);
  }
}

function go(label: string, args: readonly string[], cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('go', args, {
      cwd,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000)));
    child.once('error', (error) => reject(cannotRun(label, error)));
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${label} could not be built: "go ${args.join(' ')}" in ${cwd} says\n${said}`));
    });
  });
}

const cannotRun = (label: string, error: Error): Error =>
  fileErrorCode(error) === 'ENOENT'
    ? new Error(
        `${label} is built with Go, and there is no program "go" on the PATH: install Go from https://go.dev/dl and try again`,
        { cause: error },
      )
    : new Error(`${label} is built with Go, which cannot be executed: ${messageOf(error)}`, { cause: error });
