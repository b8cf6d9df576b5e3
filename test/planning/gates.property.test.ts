import { describe, expect, it } from 'vitest';
import type { Gate, GateVerdict } from '../../src/contracts/gate.js';
import { known, type Observed } from '../../src/contracts/observed.js';
import type { RoutingState } from '../../src/contracts/ports/router.js';
import type { ClusterView, NodeView } from '../../src/contracts/view.js';
import { evaluateGates, type GateContext } from '../../src/planning/gates.js';
import { createRandom, type Random } from './random.js';
import { at, dark, ids, node, sampleView } from './sample.js';

type GateKind = Gate['gate'];
type Path = readonly string[];

/** Mostly well, so that every gate passes often enough; each fact now and then wrong or dark. */
function randomNode(id: string, random: Random): NodeView {
  const well = node(id);
  const fact = <T>(right: Observed<T>, wrong: T): Observed<T> =>
    random.chance(0.03) ? dark : random.chance(0.04) ? known(wrong) : right;
  return {
    ...well,
    reachable: fact(well.reachable, false),
    role: fact(
      id === 'pg-3' && random.chance(0.3) ? known('learner') : well.role,
      random.pick(['primary', 'replica', 'learner']),
    ),
    version: fact(random.chance(0.5) ? known('17.10') : well.version, '17.7'),
    serving: fact(well.serving, false),
    position: fact(well.position, { offset: 999, text: '0/3E7' }),
    lag: fact(well.lag, random.pick([1, 200, -1, Number.NaN])),
    inSync: fact(well.inSync, false),
    upstream: fact(well.upstream, random.pick([...ids, undefined])),
    epoch: fact(well.epoch, 2),
    inFlight: fact(random.chance(0.5) ? well.inFlight : known({ count: 2, oldestMs: 400 }), {
      count: 1,
      oldestMs: 90_000,
    }),
    level: fact(known('3.6'), '3.5'),
    stop: random.chance(0.05)
      ? { verdict: random.pick(['hold', 'unknown']), evidence: 'by chance' }
      : random.chance(0.1)
        ? { verdict: 'hold', evidence: 'needed', window: { name: 'taken', risk: 'some', borrow: [] } }
        : well.stop,
  };
}

const randomView = (random: Random): ClusterView =>
  sampleView(
    {},
    {
      primaries: random.chance(0.95) ? ['pg-1'] : random.pick([[], ['pg-2'], ['pg-1', 'pg-2']]),
      epoch: random.chance(0.95) ? known(3) : dark,
      level: {
        active: random.chance(0.9) ? known('3.6') : random.pick([dark, known('3.5')]),
        lowering: random.chance(0.9) ? known(undefined) : random.pick([dark, known('3.5')]),
      },
      nodes: ids.map((id) => randomNode(id, random)),
    },
  );

const randomContext = (random: Random): GateContext => {
  const routing = Object.fromEntries(
    ids.map((id): [string, RoutingState] => [
      id,
      random.chance(0.9) ? 'routed' : random.pick(['drained', 'unknown', 'not-managed']),
    ]),
  );
  const held = ids.filter(() => random.chance(0.9)).map((id) => [id, at(-60_000)]);
  return {
    now: at(10),
    maxAgeMs: 1000,
    drained: random.chance(0.9) ? [] : ['pg-3'],
    routing,
    heldSince: Object.fromEntries(held) as Record<string, string>,
  };
};

/** Gates that ask for one candidate of several are asked about one here: of two, the other may suffice. */
const makers: { readonly [K in GateKind]: (random: Random) => Extract<Gate, { gate: K }> } = {
  'cluster-healthy': (r) => ({
    gate: 'cluster-healthy',
    group: 'default',
    except: r.chance(0.5) ? [] : [r.pick(ids)],
  }),
  'one-primary': () => ({ gate: 'one-primary', group: 'default' }),
  'no-obstacles': () => ({ gate: 'no-obstacles', group: 'default', accepted: [] }),
  'quorum-without-node': (r) => ({
    gate: 'quorum-without-node',
    node: r.pick(ids),
    acceptedWindows: r.chance(0.5) ? ['taken'] : [],
  }),
  'others-in-sync': (r) => ({
    gate: 'others-in-sync',
    node: r.pick(ids),
    maxLag: r.pick([0, 100]),
    except: r.chance(0.8) ? [] : [r.pick(ids)],
  }),
  'version-skew': (r) => ({
    gate: 'version-skew',
    group: 'default',
    versions: r.chance(0.8) ? ['17.5', '17.10'] : ['17.5'],
  }),
  'nothing-else-drained': (r) => ({ gate: 'nothing-else-drained', node: r.pick(ids) }),
  'in-flight-finished': (r) => ({ gate: 'in-flight-finished', node: r.pick(ids), since: at(-500) }),
  'lag-zero': (r) => ({ gate: 'lag-zero', node: r.pick(ids) }),
  'node-healthy': (r) => ({ gate: 'node-healthy', node: r.pick(ids) }),
  'version-reported': (r) => ({ gate: 'version-reported', node: r.pick(ids), version: '17.10' }),
  'caught-up': (r) => ({ gate: 'caught-up', node: r.pick(ids) }),
  'soak-held': (r) => ({ gate: 'soak-held', node: r.pick(ids), forMs: r.pick([0, 10_000]) }),
  'candidate-in-sync': (r) => ({
    gate: 'candidate-in-sync',
    group: 'default',
    candidates: [r.pick(['pg-2', 'pg-3'])],
    maxLag: 100,
    version: '17.10',
  }),
  'candidate-at-fence': (r) => ({
    gate: 'candidate-at-fence',
    group: 'default',
    candidates: [r.pick(ids)],
    position: { offset: 1000, text: '0/3E8' },
  }),
  'epoch-grew': (r) => ({ gate: 'epoch-grew', group: 'default', node: 'pg-1', above: r.pick([2, 3]) }),
  'replicas-follow': () => ({
    gate: 'replicas-follow',
    group: 'default',
    primary: 'pg-1',
    replicas: ['pg-2', 'pg-3'],
  }),
  'all-on-target': (r) => ({
    gate: 'all-on-target',
    group: 'default',
    versions: { 'pg-1': r.pick(['17.5', '17.10']), 'pg-2': '17.10', 'pg-3': '17.10' },
    ...(r.chance(0.3) ? { except: [r.pick(ids)] } : {}),
  }),
  'node-level': (r) => ({
    gate: 'node-level',
    node: r.pick(ids),
    level: r.pick(['3.5', '3.6', '3.6', '3.6']),
  }),
  'level-active': () => ({ gate: 'level-active', group: 'default', level: '3.6' }),
  'learner-caught-up': (r) => ({
    gate: 'learner-caught-up',
    node: r.pick(['pg-2', 'pg-3', 'pg-3']),
    maxLag: 100,
  }),
};

/** Facts that a gate reads, seen by a proxy: the kind of an observed fact, the system's verdict on a stop, a route. */
function watched<T extends object>(value: T, reads: Set<string>, path: Path = []): T {
  return new Proxy(value, {
    get(target, key) {
      const inner: unknown = Reflect.get(target, key);
      if (typeof key === 'symbol' || typeof inner === 'function') return inner;
      if (key === 'kind' || (key === 'verdict' && path.at(-1) === 'stop')) reads.add(path.join('.'));
      if (path[0] === 'routing' && path.length === 1) reads.add([...path, key].join('.'));
      return typeof inner === 'object' && inner !== null ? watched(inner, reads, [...path, key]) : inner;
    },
  });
}

/** The same with one fact dark. */
function darken<T>(value: T, path: Path): T {
  const [key, ...rest] = path;
  if (key === undefined) throw new Error('no path');
  const copy: unknown = Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) };
  const inner: unknown = Reflect.get(copy as object, key);
  const replaced =
    rest.length > 0
      ? darken(inner, rest)
      : inner === undefined || typeof inner === 'string'
        ? 'unknown'
        : key === 'stop'
          ? { ...(inner as object), verdict: 'unknown' }
          : dark;
  Reflect.set(copy as object, key, replaced);
  return copy as T;
}

const judge = (gate: Gate, view: ClusterView, ctx: GateContext): GateVerdict | undefined =>
  evaluateGates([gate], view, ctx)[0];

const tries = 1500;

describe.each(Object.entries(makers))('R-ROLL-3: %s, in random clusters', (_name, make) => {
  it('never passes when a fact that it reads is unknown', () => {
    const random = createRandom(20_260_301);
    let passes = 0;
    let others = 0;
    let darkened = 0;
    for (let i = 0; i < tries; i++) {
      const gate = make(random);
      const view = randomView(random);
      const ctx = randomContext(random);
      const reads = new Set<string>();
      const input = watched({ view, routing: ctx.routing ?? {} }, reads);
      const verdict = judge(gate, input.view, { ...ctx, routing: input.routing });
      if (verdict?.verdict !== 'pass') {
        others++;
        continue;
      }
      passes++;
      for (const read of reads) {
        const { view: dimmed, routing } = darken({ view, routing: ctx.routing ?? {} }, read.split('.'));
        const again = judge(gate, dimmed, { ...ctx, routing });
        expect(again?.verdict, `${JSON.stringify(gate)} passes without ${read}`).not.toBe('pass');
        darkened++;
      }
    }
    // Neither a gate that never passes nor one that always does would be tested by the above.
    expect(passes).toBeGreaterThan(20);
    expect(others).toBeGreaterThan(20);
    expect(darkened).toBeGreaterThanOrEqual(passes);
  });

  it('holds when every fact is dark', () => {
    const random = createRandom(7);
    const blind = (n: NodeView): NodeView => ({
      ...n,
      reachable: dark,
      role: dark,
      version: dark,
      serving: dark,
      position: dark,
      lag: dark,
      inSync: dark,
      upstream: dark,
      epoch: dark,
      inFlight: dark,
      level: dark,
      stop: { verdict: 'unknown', evidence: 'dark' },
    });
    const view = sampleView(
      {},
      { epoch: dark, level: { active: dark, lowering: dark }, nodes: ids.map((id) => blind(node(id))) },
    );
    const ctx = { ...randomContext(random), routing: {}, drained: [] };
    for (let i = 0; i < 50; i++) expect(judge(make(random), view, ctx)?.verdict).not.toBe('pass');
  });

  it('gives the same verdict twice and says why in words', () => {
    const random = createRandom(11);
    for (let i = 0; i < 50; i++) {
      const [gate, view, ctx] = [make(random), randomView(random), randomContext(random)];
      const verdict = judge(gate, view, ctx);
      expect(judge(gate, view, ctx)).toEqual(verdict);
      expect(verdict?.observed).not.toBe('');
      expect(`${verdict?.observed ?? ''} ${verdict?.required ?? ''}`).not.toMatch(/undefined|\[object|null/);
    }
  });
});
