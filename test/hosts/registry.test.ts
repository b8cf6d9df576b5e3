import { expect, test } from 'vitest';
import { ClusterSpec, NodeSpec } from '../../src/contracts/index.js';
import { createHosts } from '../../src/hosts/registry.js';
import { createRouters } from '../../src/routing/registry.js';

const node = (host: Record<string, unknown>) =>
  NodeSpec.parse({ id: 'n-1', address: 'localhost:1', host: { kind: 'local', ...host } });
const cluster = (routing: Record<string, unknown>) =>
  ClusterSpec.parse({ name: 'c', system: 's', nodes: [node({ directory: '/n' })], routing });
const ctx = { signal: new AbortController().signal, heartbeat: () => undefined, runId: 'r' };

test('R-SPEC-2: an unknown kind of host or routing is refused with the kinds that exist', () => {
  expect(() => createHosts()(node({ kind: 'cloud' }))).toThrow(
    expect.objectContaining({ code: 'SPEC_INVALID', remedy: 'use one of: local' }),
  );
  expect(() => createHosts()(node({ kind: 'toString' }))).toThrow(/"toString", which is not known/);
  expect(() => createRouters()(cluster({ kind: 'magic' }))).toThrow(
    expect.objectContaining({ code: 'SPEC_INVALID', remedy: 'use one of: none' }),
  );
});

test.each([
  ['a relative directory', { directory: 'node' }, 'directory an absolute path'],
  ['no directory', {}, 'directory'],
  ['an unknown key', { directory: '/n', colour: 'red' }, 'colour'],
  ['a user name that reads as an option', { directory: '/n', runAs: '-u' }, 'runAs a user name'],
])('R-SPEC-2: host settings with %s are refused by name', (_what, host, said) => {
  expect(() => createHosts()(node(host))).toThrow(said);
});

test('R-SPEC-2: an unknown key of routing is refused by name', () => {
  expect(() => createRouters()(cluster({ kind: 'none', drain: true }))).toThrow('drain');
});

test('without routing nobody takes a node out of client traffic, and the state says so', async () => {
  const spec = cluster({ kind: 'none' });
  const [first] = spec.nodes;
  if (!first) throw new Error('no node');
  const router = createRouters()(spec);
  await router.drain(spec, first, ctx);
  expect(await router.state(spec, first, ctx)).toBe('not-managed');
});
