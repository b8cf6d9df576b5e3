import { describe, expect, it } from 'vitest';
import { known } from '../../src/contracts/observed.js';
import type { GroupView, NodeView } from '../../src/contracts/view.js';
import { replacementOrder } from '../../src/planning/order.js';
import { createRandom } from './random.js';
import { dark, node } from './sample.js';

const group = (nodes: readonly NodeView[], primaries: readonly string[] = ['pg-1']): GroupView => ({
  id: 'default',
  primaries,
  epoch: known(3),
  durability: known('quorum'),
  nodes,
});
const order = (nodes: readonly NodeView[], primaries?: readonly string[]) =>
  replacementOrder(group(nodes, primaries), Object.fromEntries(nodes.map((n) => [n.id, '17.10'])));

describe('R-ROLL-1: replicas first, those in sync before others, the primary last', () => {
  it.each([
    {
      why: 'by id when all are alike',
      nodes: [node('pg-1'), node('pg-3'), node('pg-2')],
      expected: ['pg-2', 'pg-3', 'pg-1'],
    },
    {
      why: 'by lag before id',
      nodes: [node('pg-1'), node('pg-2', { lag: known(9) }), node('pg-3', { lag: known(3) })],
      expected: ['pg-3', 'pg-2', 'pg-1'],
    },
    {
      why: 'in sync before lag',
      nodes: [node('pg-2', { inSync: known(false) }), node('pg-3', { lag: known(99) }), node('pg-1')],
      expected: ['pg-3', 'pg-2', 'pg-1'],
    },
    {
      why: 'dark is not in sync',
      nodes: [node('pg-2', { inSync: dark }), node('pg-3'), node('pg-1')],
      expected: ['pg-3', 'pg-2', 'pg-1'],
    },
    {
      why: 'dark or impossible lag last of its kind',
      nodes: [
        node('pg-1'),
        node('pg-2', { lag: dark }),
        node('pg-3', { lag: known(-1) }),
        node('pg-4', { lag: known(7) }),
      ],
      expected: ['pg-4', 'pg-2', 'pg-3', 'pg-1'],
    },
    {
      why: 'the primary last, whatever its figures',
      nodes: [
        node('pg-1', { lag: known(0), inSync: known(true) }),
        node('pg-2', { inSync: known(false), lag: known(1e9) }),
      ],
      expected: ['pg-2', 'pg-1'],
    },
    {
      why: 'a node on its target is left alone',
      nodes: [node('pg-1'), node('pg-2', { version: known('17.10') }), node('pg-3')],
      expected: ['pg-3', 'pg-1'],
    },
    {
      why: 'a primary on its target too',
      nodes: [node('pg-1', { version: known('17.10') }), node('pg-2')],
      expected: ['pg-2'],
    },
    {
      why: 'a node of unknown version is not left out',
      nodes: [node('pg-1'), node('pg-2', { version: dark }), node('pg-3')],
      expected: ['pg-2', 'pg-3', 'pg-1'],
    },
    { why: 'nothing to do', nodes: [node('pg-1', { version: known('17.10') })], expected: [] },
  ])('$why', ({ nodes, expected }) => {
    expect(order(nodes)).toEqual(expected);
  });

  it('a node that says it is primary but takes no writes is not taken for a replica', () => {
    expect(order([node('pg-1'), node('pg-2')], [])).toEqual(['pg-2', 'pg-1']);
  });

  it('a node without a target is left alone', () => {
    expect(replacementOrder(group([node('pg-1'), node('pg-2')]), { 'pg-1': '17.10' })).toEqual(['pg-1']);
  });

  it('does not depend on the order of observation', () => {
    const random = createRandom(3);
    for (let i = 0; i < 200; i++) {
      const nodes = ['pg-1', 'pg-2', 'pg-3', 'pg-4', 'pg-5'].map((id) =>
        node(id, {
          lag: random.pick([known(0), known(5), dark]),
          inSync: random.pick([known(true), known(false)]),
        }),
      );
      const shuffled = nodes
        .map((n) => ({ n, key: random.next() }))
        .sort((a, b) => a.key - b.key)
        .map(({ n }) => n);
      const result = order(nodes);
      expect(order(shuffled)).toEqual(result);
      expect(result.at(-1)).toBe('pg-1');
    }
  });
});
