import { expect, test } from 'vitest';
import { ClusterSpec } from '../../../src/contracts/index.js';
import { launch, launchAmong } from '../../../src/systems/etcd/launch.js';
import { systemSettings } from '../../../src/systems/settings.js';

const cluster = (settings: object): ClusterSpec =>
  ClusterSpec.parse({
    name: 'c',
    system: 'etcd',
    settings: { peers: { a: '10.0.0.1:2380', b: 'b.example:2380' }, ...settings },
    nodes: [
      { id: 'a', address: '10.0.0.1:2379', host: { kind: 'local', directory: '/srv/a' } },
      {
        id: 'b',
        address: 'b.example:2379',
        host: { kind: 'local', directory: '/srv/b', dataDir: '/data/b' },
      },
      { id: 'c', address: '10.0.0.3:2379', host: { kind: 'local', directory: '/srv/c' } },
    ],
  });

test('R-ROLL-5: a member is started as one that exists, so that an empty directory founds no cluster', () => {
  const spec = launchAmong(cluster({ args: ['--quota-backend-bytes=1', '--data-dir=/elsewhere'] }), 'a', [
    'a',
    'b',
  ]);
  expect(spec).toMatchObject({ executable: 'etcd', stopSignal: 'SIGTERM', env: {} });
  expect(spec.args).toEqual([
    '--listen-client-urls=http://10.0.0.1:2379',
    '--listen-peer-urls=http://10.0.0.1:2380',
    '--quota-backend-bytes=1',
    '--data-dir=/elsewhere',
    '--name=a',
    '--data-dir=/srv/a/data',
    '--advertise-client-urls=http://10.0.0.1:2379',
    '--initial-advertise-peer-urls=http://10.0.0.1:2380',
    '--initial-cluster=a=http://10.0.0.1:2380,b=http://b.example:2380',
    '--initial-cluster-state=existing',
  ]);
});

test('R-ROLL-5: with TLS the URLs are https, and a name is bound to every interface', () => {
  const { args } = launchAmong(cluster({ tls: { ca: '/ca.pem' }, peerTls: true }), 'b', ['b']);
  expect(args).toContain('--listen-client-urls=https://0.0.0.0:2379');
  expect(args).toContain('--advertise-client-urls=https://b.example:2379');
  expect(args).toContain('--initial-cluster=b=https://b.example:2380');
  expect(args).toContain('--data-dir=/data/b');
});

test('R-SPEC-2: a node without a peer address is refused with a remedy', () => {
  expect(() => launch(cluster({}), 'c')).toThrow(expect.objectContaining({ code: 'SPEC_INVALID' }) as Error);
});

test('R-SPEC-2: the settings of etcd are known to the checks of a spec, and a prefix must end with a slash', () => {
  const settings = systemSettings.etcd;
  expect(settings?.safeParse({ peers: {} }).success).toBe(true);
  expect(settings?.safeParse({ peers: {}, scratchPrefix: 'r' }).success).toBe(false);
  expect(settings?.safeParse({ peers: {}, password: 'plain' }).success).toBe(false);
});
