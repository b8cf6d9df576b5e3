import { execFile } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import type { ClusterSpec } from '../../src/contracts/index.js';
import { RollingUpgradeSpec } from '../../src/contracts/spec.js';
import { prepareGoTool } from '../../src/dev/etcd/binaries.js';
import type { EtcdSampleCluster } from '../../src/dev/etcd/sample-cluster.js';
import { until } from '../../src/dev/postgres/until.js';
import { runEtcdScenario } from '../../src/dev/scenario/etcd.js';
import { startOn } from './support/by-hand.js';
import { expectProof, minutes, starts } from './support/proof.js';

const run = promisify(execFile);

interface Tls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

async function makeCertificates(directory: string): Promise<{ server: Tls; client: Tls }> {
  await mkdir(directory);
  const { program } = await prepareGoTool('certificates');
  await run(program, [directory]);
  const of = (name: string): Tls => ({
    ca: join(directory, 'ca.pem'),
    cert: join(directory, `${name}.pem`),
    key: join(directory, `${name}.key`),
  });
  return { server: of('server'), client: of('client') };
}

/** `/health` of a member, by nothing of rollgate's. */
async function healthy(address: string, tls: Tls): Promise<boolean> {
  const [ca, cert, key] = await Promise.all([tls.ca, tls.cert, tls.key].map((path) => readFile(path)));
  return new Promise((resolve, reject) => {
    const asked = request(`https://${address}/health`, { ca, cert, key, timeout: 2000 }, (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
      answer.on('end', () => resolve(text.includes('"true"')));
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** The same members, which from now on speak TLS to their clients and want a certificate of each. */
async function withClientTls(sample: EtcdSampleCluster): Promise<ClusterSpec> {
  const { server, client } = await makeCertificates(join(sample.directory, 'certificates'));
  await sample.stop();
  const cluster: ClusterSpec = {
    ...sample.cluster,
    settings: {
      ...sample.cluster.settings,
      tls: client,
      args: [
        `--cert-file=${server.cert}`,
        `--key-file=${server.key}`,
        `--trusted-ca-file=${server.ca}`,
        '--client-cert-auth',
      ],
    },
  };
  await Promise.all(cluster.nodes.map((node) => startOn(cluster, node.id)));
  for (const { id, address } of cluster.nodes) {
    await until(`${id} is healthy over TLS`, () => healthy(address, client));
  }
  return cluster;
}

it(
  'R-PLAN-2, R-ROLL-5: a whole run over TLS with client certificates; without one the plan is refused',
  minutes(5),
  async () => {
    const result = await runEtcdScenario({
      before: withClientTls,
      after: async ({ sample, cluster, client }) => {
        const upgrade = RollingUpgradeSpec.parse({ name: 'u', cluster: cluster.name, to: '3.6.16' });
        expect(await client.plan(cluster, upgrade)).toMatchObject({ kind: 'done', refusals: [] });
        const { ca } = cluster.settings['tls'] as Tls;
        const stranger = { ...cluster, settings: { ...cluster.settings, tls: { ca } } };
        const refused = await client.plan(stranger, upgrade);
        expect(refused.kind).toBe('refused');
        const unreachable = refused.refusals.filter((r) => r.code === 'NODE_UNREACHABLE').map((r) => r.node);
        expect(unreachable).toEqual(['etcd-1', 'etcd-2', 'etcd-3']);
        // Nobody was served in plain text all the while.
        await expect(sample.status('etcd-1')).rejects.toThrow();
      },
    });
    expectProof(result.state, 'completed');
    expect(starts(result)).toEqual({ 'etcd-1': 1, 'etcd-2': 1, 'etcd-3': 1 });
    expect(result.state.switches).toMatchObject([{ how: 'by-last-node', to: '3.6' }]);
  },
);
