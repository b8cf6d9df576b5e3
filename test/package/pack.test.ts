import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, sep } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Plan, RunState } from '../../src/contracts/index.js';
import { createSampleCluster } from '../../src/dev/postgres/cluster.js';
import type { SampleCluster } from '../../src/dev/postgres/sample-cluster.js';
import { inspectNodes } from '../../src/dev/scenario/leftovers.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const minutes = (n: number) => n * 60_000;

/** Somebody's project: nothing but what npm has put there. */
const project = realpathSync(mkdtempSync(join(tmpdir(), 'rollgate-package-')));
const inProject = (...path: string[]) => join(project, ...path);
const installed = inProject('node_modules', 'rollgate');
const coverage = inProject('coverage');

const run = (file: string, argv: readonly string[], env: NodeJS.ProcessEnv = process.env) => {
  const child = spawn(file, argv, { cwd: project, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()));
  const ended = once(child, 'close').then(() => ({ code: child.exitCode, ...said }));
  return { child, said, ended };
};

/** What a user's shell has; of the checkout nothing. V8 writes down which files each process has executed. */
const userEnv = {
  PATH: [dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter),
  HOME: project,
  TEMPORAL_ADDRESS: inject('temporalAddress'),
  TEMPORAL_NAMESPACE: 'default',
  NODE_V8_COVERAGE: coverage,
};
const startRollgate = (...argv: string[]) =>
  run(inProject('node_modules', '.bin', 'rollgate'), argv, userEnv);
const rollgate = (...argv: string[]) => startRollgate(...argv).ended;

const npm = async (...argv: string[]): Promise<void> => {
  const { code, stderr } = await run('npm', argv).ended;
  if (code !== 0) throw new Error(`npm ${argv.join(' ')}: ${stderr}`);
};

beforeAll(async () => {
  writeFileSync(inProject('package.json'), '{ "private": true, "type": "module" }');
  // dist has been built by `npm test`; a build in the middle of other tests would take it away from them.
  await npm('pack', root, '--ignore-scripts', '--pack-destination', project);
  const [tarball] = readdirSync(project).filter((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error('npm pack has left no tarball');
  const options = ['--prefer-offline', '--no-audit', '--no-fund', '--engine-strict'];
  await npm('install', inProject(tarball), '--prefix', project, ...options);
}, minutes(4));
afterAll(() => rmSync(project, { recursive: true, force: true }));

/** Paths below the installed package, in POSIX form. */
const files = (): string[] =>
  readdirSync(installed, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(installed.length + 1))
    .map((path) => path.split(sep).join('/'));
const textOf = (path: string): string => readFileSync(join(installed, path), 'utf8');

describe('what is published', () => {
  it('is everything that runs, and neither tests nor tools', () => {
    const wanted = [
      ...['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md'],
      ...['dist/client/cli/main.js', 'dist/workflow-bundle.js', 'dist/probe/main.js'],
      ...['client', 'contracts', 'worker'].map((entry) => `dist/${entry}/index.d.ts`),
      ...['cluster', 'upgrade', 'destination', 'migration', 'pipeline'].map(
        (name) => `examples/postgres/${name}.yaml`,
      ),
      ...['cluster', 'upgrade', 'formation', 'pipeline'].map((name) => `examples/etcd/${name}.yaml`),
    ];
    expect(wanted.filter((path) => !files().includes(path))).toEqual([]);
    const folders = new Set(files().map((path) => path.split('/').slice(0, -1).slice(0, 2).join('/')));
    expect(
      [...folders].filter((f) => !/^(?:|docs(?:\/.+)?|examples\/(?:postgres|etcd)|dist(?:\/.+)?)$/.test(f)),
    ).toEqual([]);
    expect(files().filter((path) => /^dist\/dev\/|\.map$|\.test\.|\.tgz$/.test(path))).toEqual([]);
  });

  it('is built from the sources that are there: nothing that an earlier build has left', () => {
    const built = files().filter((path) => /^dist\/.+\.js$/.test(path) && path !== 'dist/workflow-bundle.js');
    const sourceOf = (path: string) => join(root, path.replace(/^dist/, 'src').replace(/js$/, 'ts'));
    expect(built.length).toBeGreaterThan(100);
    expect(built.filter((path) => !existsSync(sourceOf(path)))).toEqual([]);
  });

  it('imports only what it depends on', () => {
    const { dependencies } = JSON.parse(textOf('package.json')) as { dependencies: Record<string, string> };
    const code = files().filter(
      (path) => /^dist\/.+\.(?:js|d\.ts)$/.test(path) && path !== 'dist/workflow-bundle.js',
    );
    const imported = code.flatMap((path) =>
      [...textOf(path).matchAll(/(?:from|import)\s*\(?\s*'([@a-z][^'\s]*)'/g)].map(([, name = '']) => name),
    );
    const packages = imported
      .filter((name) => !name.startsWith('node:'))
      .map((name) => /^(?:@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name);
    expect(new Set(packages).size).toBeGreaterThan(10);
    expect([...new Set(packages)].filter((name) => dependencies[name] === undefined)).toEqual([]);
  });

  it('does not name the directory in which it was built, in its source map neither', () => {
    const here = new RegExp(`(?<![\\w.-])${root.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}`);
    const map =
      /sourceMappingURL=data:[^,]*;base64,(\S+)\s*$/.exec(textOf('dist/workflow-bundle.js'))?.[1] ?? '';
    const decoded = Buffer.from(map, 'base64').toString('utf8');
    expect((JSON.parse(decoded) as { sources: string[] }).sources).toContain(
      'src/workflows/rolling-upgrade.ts',
    );
    expect(decoded).not.toMatch(here);
    expect(files().filter((path) => here.test(textOf(path)))).toEqual([]);
  });
});

describe('the installed program', () => {
  it('--help names every command, --version the version', async () => {
    const { code, stdout, stderr } = await rollgate('--help');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const controls = ['pause', 'resume', 'approve', 'reject', 'retry', 'skip', 'rollback', 'abort'];
    const others = [
      'plan',
      'start',
      'watch',
      'status',
      'list',
      'report',
      'schema',
      'doctor',
      'worker',
      'digest',
    ];
    for (const command of [...others, ...controls]) expect(stdout).toContain(`\n  ${command} `);
    const { version } = JSON.parse(textOf('package.json')) as { version: string };
    expect(await rollgate('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('R-SPEC-2: schema prints JSON; a key that there is not ends with exit code 2', async () => {
    const { code, stdout } = await rollgate('schema');
    expect(code).toBe(0);
    expect(JSON.stringify(JSON.parse(stdout))).toMatch(/"RollingUpgrade".*"onFailure"/);
    const examples = join(installed, 'examples', 'postgres');
    const wrong = readFileSync(join(examples, 'upgrade.yaml'), 'utf8').replace('onFailure:', 'onFialure:');
    writeFileSync(inProject('wrong.yaml'), wrong);
    const refused = await rollgate('plan', '-f', join(examples, 'cluster.yaml'), '-f', 'wrong.yaml');
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toMatch(/wrong\.yaml:\d+.*onFialure[^]*remedy: .*onFailure/);
  });
});

describe('the installed library', () => {
  it('loads by its three entries, and reads the examples that are published with it', async () => {
    writeFileSync(
      inProject('entries.js'),
      `import { createRollgateClient, loadSpecs, checkTarget } from 'rollgate';
       import { errorCatalogue, RollgateError, workflowIdOf } from 'rollgate/contracts';
       import { runWorker, workflowBundle } from 'rollgate/worker';
       const [cluster, upgrade] = ['cluster', 'upgrade'].map((f) => 'node_modules/rollgate/examples/postgres/' + f + '.yaml');
       const target = checkTarget(await loadSpecs([cluster, upgrade]));
       const functions = { createRollgateClient, loadSpecs, checkTarget, RollgateError, workflowIdOf, runWorker };
       const types = Object.values(functions).map((f) => typeof f);
       const codes = Object.keys(errorCatalogue).length;
       console.log(JSON.stringify({ types, codes, workflowBundle, to: target.upgrade.to, id: workflowIdOf(target.cluster.name) }));`,
    );
    const { code, stdout, stderr } = await run(process.execPath, ['entries.js'], userEnv).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const seen = JSON.parse(stdout) as { types: string[]; codes: number; workflowBundle: string };
    expect(new Set(seen.types)).toEqual(new Set(['function']));
    expect(seen.codes).toBeGreaterThan(5);
    expect(seen).toMatchObject({ to: '17.10', id: 'rollgate/orders' });
    expect(seen.workflowBundle).toBe(join(installed, 'dist', 'workflow-bundle.js'));
  });

  it(
    'has types that hold what the README shows, and refuse what is wrong',
    { timeout: minutes(2) },
    async () => {
      const [, shown = 'none'] = /```ts\n([^]*?)```/.exec(textOf('README.md')) ?? [];
      const more = `
      import { errorCatalogue, type DataSystem } from 'rollgate/contracts';
      import { runWorker, type WorkerOptions } from 'rollgate/worker';
      export const lost: number | undefined = writes?.lost;
      export const serve = (options: WorkerOptions): Promise<void> => runWorker(options);
      export const explain = (system: DataSystem, code: keyof typeof errorCatalogue) => [system, errorCatalogue[code]];
      // @ts-expect-error there is no such method
      await client.upgrade();
      // @ts-expect-error it is text
      export const hash: number = plan.hash;`;
      writeFileSync(inProject('consumer.mts'), `${shown}${more}`);
      const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
      const options = [
        '--noEmit',
        '--strict',
        '--target',
        'es2022',
        '--module',
        'nodenext',
        '--types',
        'node',
      ];
      const argv = [tsc, ...options, '--skipLibCheck', 'false', '--pretty', 'false', 'consumer.mts'];
      const { stdout, stderr } = await run(process.execPath, argv).ended;
      // The SDK's own declarations need more than a consumer has; ours must not.
      const ofOthers = /^(?:node_modules\/@temporalio\/| )/;
      expect(stdout.split('\n').filter((line) => line !== '' && !ofOthers.test(line))).toEqual([]);
      expect(stderr).toBe('');
    },
  );
});

describe('the installed program on a real cluster', () => {
  const name = `package-${Math.random().toString(36).slice(2, 10)}`;
  let sample: SampleCluster | undefined;
  let worker: ReturnType<typeof startRollgate> | undefined;
  const specs = () => ['-f', join(sample?.directory ?? '', 'cluster.yaml'), '-f', 'upgrade.yaml'];
  const onQueue = ['--task-queue', name, '-o', 'json'];

  beforeAll(async () => {
    sample = await createSampleCluster({ name });
    const spec = {
      cluster: name,
      to: '17.10',
      soak: '500ms',
      onFailure: 'rollback',
      probe: { writers: 4, interval: '10ms' },
    };
    const document = { apiVersion: 'rollgate/v1', kind: 'RollingUpgrade', metadata: { name: 'u' }, spec };
    writeFileSync(inProject('upgrade.yaml'), JSON.stringify(document));
    worker = startRollgate('worker', '--task-queue', name);
    for (let tries = 0; !worker.said.stderr.includes('worker started'); tries++) {
      if (tries > 300 || worker.child.exitCode !== null) throw new Error(`no worker: ${worker.said.stderr}`);
      await delay(100);
    }
  });
  afterAll(async () => {
    if (worker?.child.exitCode === null) worker.child.kill('SIGKILL');
    await worker?.ended;
    await sample?.destroy();
  });

  it('R-PLAN-1: plans the upgrade, then runs it without a lost write', { timeout: minutes(4) }, async () => {
    const planned = await rollgate('plan', ...specs(), ...onQueue);
    expect(planned).toMatchObject({ code: 0, stderr: '' });
    const plan = JSON.parse(planned.stdout) as Plan;
    expect(plan).toMatchObject({ kind: 'possible', cluster: name, target: '17.10' });

    const hash = ['--plan-hash', plan.hash, '--wait', '--timeout', '3m'];
    const started = await rollgate('start', ...specs(), ...onQueue, ...hash);
    expect(started.code, started.stderr).toBe(0);
    const { run: end, writes } = JSON.parse(started.stdout) as RunState;
    expect(end.outcome).toBe('completed');
    expect(writes).toMatchObject({ lost: 0 });
    expect(writes?.acknowledged).toBeGreaterThan(100);

    if (!sample) throw new Error('there is no cluster');
    const nodes = await inspectNodes(sample);
    expect(nodes.map((n) => n.version)).toEqual(['17.10', '17.10', '17.10']);
    const left = readdirSync(inProject('artifacts', end.id));
    expect(left).toEqual(expect.arrayContaining(['summary.json', 'summary.txt', 'report.html']));
    expect((await rollgate('plan', ...specs(), ...onQueue)).code).toBe(10);
  });

  it('the worker ends when told to; it, the probe and every command ran nothing but the package', async () => {
    worker?.child.kill('SIGTERM');
    expect(await worker?.ended).toMatchObject({ code: 0, stdout: '' });
    const executed = readdirSync(coverage).flatMap((file) => {
      const { result } = JSON.parse(readFileSync(join(coverage, file), 'utf8')) as {
        result: { url: string }[];
      };
      return result.map(({ url }) => url).filter((url) => url.startsWith('file:'));
    });
    const ours = pathToFileURL(installed).href;
    for (const entry of ['client/cli/main.js', 'worker/index.js', 'probe/main.js']) {
      expect(executed).toContain(`${ours}/dist/${entry}`);
    }
    expect(executed.filter((url) => !url.startsWith(pathToFileURL(project).href))).toEqual([]);
  });
});
