import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  NodeSpec,
  type ArtifactSpec,
  type EffectContext,
  type LaunchSpec,
} from '../../../src/contracts/index.js';
import { digestDirectory } from '../../../src/hosts/artifact-digest.js';
import { createLocalHost } from '../../../src/hosts/local/host.js';
import type { JournalLine } from '../../../src/hosts/local/journal.js';

export const isRoot = process.getuid?.() === 0;
/** As root the server runs as another user, otherwise as ourselves: both suites are the same tests. */
export const runAs = isRoot ? 'nobody' : undefined;
export const nobody = isRoot
  ? { uid: Number(execFileSync('id', ['-u', 'nobody'])), gid: Number(execFileSync('id', ['-g', 'nobody'])) }
  : undefined;

/** A server of a few lines: writes its pid and environment to its data directory, ends at SIGTERM. */
const server = `#!/bin/sh
# version VERSION
case "$1" in
  die) echo "first words"; echo "cannot open the moon" >&2; exit 3 ;;
  deaf) trap '' TERM ;;
  *) trap 'rm -f server.pid; exit 0' TERM ;;
esac
env > env.txt
echo "$$" > server.pid
echo "serving VERSION"
while :; do sleep 0.05; done
`;

export interface ServerFixture {
  readonly directory: string;
  readonly node: NodeSpec;
  readonly dataDir: string;
  readonly log: string;
  readonly ctx: EffectContext;
  readonly host: ReturnType<typeof createLocalHost>;
  artifact(version: string): Promise<ArtifactSpec>;
  launch(mode?: 'serve' | 'die' | 'deaf'): LaunchSpec;
  /** Install 1.0. */
  install(version?: string): Promise<void>;
  journal(): Promise<JournalLine[]>;
  actions(): Promise<string[]>;
  /** Start the server as somebody else would: not through rollgate. */
  spawnForeign(mode?: 'serve' | 'deaf', cwd?: string): ChildProcess;
  /** End what is left and remove all files. */
  dispose(): Promise<void>;
}

export async function serverFixture(): Promise<ServerFixture> {
  const directory = await mkdtemp(join(tmpdir(), 'rollgate-host-'));
  await chmod(directory, 0o755);
  const nodeDirectory = join(directory, 'node');
  const dataDir = join(nodeDirectory, 'data');
  await mkdir(dataDir, { recursive: true, mode: 0o755 });
  await chmod(dataDir, 0o700);
  if (nobody) await chown(dataDir, nobody.uid, nobody.gid);
  const host = createLocalHost();
  const settings = { kind: 'local', directory: nodeDirectory, ...(runAs && { runAs }) };
  const node = NodeSpec.parse({ id: 'n-1', address: '127.0.0.1:1', host: settings });
  const ctx: EffectContext = {
    signal: new AbortController().signal,
    heartbeat: () => undefined,
    runId: 'run-1',
  };
  const foreign: ChildProcess[] = [];

  const artifact = async (version: string): Promise<ArtifactSpec> => {
    const path = join(directory, `server-${version}`);
    await mkdir(join(path, 'bin'), { recursive: true });
    await writeFile(join(path, 'bin', 'server'), server.replaceAll('VERSION', version));
    for (const [name, mode] of [
      ['', 0o755],
      ['bin', 0o755],
      ['bin/server', 0o755],
    ] as const) {
      await chmod(join(path, name), mode);
    }
    return { path, sha256: await digestDirectory(path) };
  };
  const launch = (mode: 'serve' | 'die' | 'deaf' = 'serve'): LaunchSpec => ({
    executable: 'bin/server',
    args: [mode],
    env: { GREETING: 'hello' },
    stopSignal: 'SIGTERM',
    pidFile: 'server.pid',
  });
  const journal = async () => {
    const text = await readFile(join(nodeDirectory, 'rollgate', 'journal.ndjson'), 'utf8').catch(() => '');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as JournalLine);
  };

  return {
    directory,
    node,
    dataDir,
    log: join(nodeDirectory, 'log', 'node.log'),
    ctx,
    host,
    artifact,
    launch,
    install: async (version = '1.0') => host.install(node, version, await artifact(version), launch(), ctx),
    journal,
    actions: async () => (await journal()).map((line) => line.action),
    spawnForeign(mode = 'serve', cwd = dataDir) {
      const program = join(directory, 'server-1.0', 'bin', 'server');
      const child = spawn(program, [mode], { cwd, stdio: 'ignore', ...nobody });
      foreign.push(child);
      return child;
    },
    async dispose() {
      const status = await host.status(node, launch(), ctx);
      if (status.kind === 'running') process.kill(status.pid, 'SIGKILL');
      for (const child of foreign) child.kill('SIGKILL');
      await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
