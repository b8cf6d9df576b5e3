import {
  fenceFrom,
  RollgateError,
  type DataSystem,
  type HandoverFacet,
  type VersionRules,
} from '../../src/contracts/index.js';
import { levelFacets } from './model-levels.js';
import { memberFacets } from './model-members.js';
import type { Model } from './model.js';

const beyond = {
  code: 'MAJOR_NEEDS_MIGRATION',
  reason: 'another series',
  remedy: 'migrate',
  source: 'the model',
};

const inOneSeries: VersionRules = { seriesDepth: 1, step: 'same-series', beyond, rows: [] };

const bySeries: VersionRules = {
  seriesDepth: 2,
  step: 'adjacent-series',
  beyond,
  rows: [],
  levels: { lowered: 'by-command', lowerFrom: '3.6', source: 'the model' },
};

export function modelSystem(model: Model): DataSystem {
  return {
    name: 'model',
    positionUnit: 'entries',
    versionRules: model.levels ? bySeries : inOneSeries,
    observe: (cluster) => Promise.resolve().then(() => model.view(cluster)),
    launch: () => ({ executable: 'bin/model', args: [], env: {}, stopSignal: 'SIGTERM' }),
    startAsReplica: (_cluster, id, upstream) => {
      const node = model.node(id);
      node.role = 'replica';
      node.upstream = upstream;
      return Promise.resolve();
    },
    follow: (_cluster, id, upstream) =>
      model.effect(`follow ${id} ${upstream}`, () => {
        model.node(id).upstream = upstream;
      }),
    tidy: () => Promise.resolve(),
    scratch: {
      create: () => model.effect('scratch', () => (model.scratch = true)),
      drop: () => model.effect('drop scratch', () => (model.scratch = false)),
      prove: (_cluster, { on }) =>
        Promise.resolve({ seenOn: on.filter((id) => model.node(id).running && !model.deaf.has(id)), ms: 1 }),
    },
    settings: {
      read: (_cluster, node, setting) => Promise.resolve(model.settings.get(`${node}/${setting}`)),
      write: (_cluster, node, setting, value) =>
        model.effect(`set ${node}/${setting}=${value ?? ''}`, () =>
          model.settings.set(`${node}/${setting}`, value),
        ),
    },
    ...(model.levels ? levelFacets(model, model.levels) : { handover: fencing(model) }),
    ...(model.members ? memberFacets(model, model.members) : {}),
    probe: {
      connect: () => {
        throw new Error('the model has no probe clients');
      },
      readBack: async function* () {
        // The model's ledger is made by its probe runner.
      },
    },
  };
}

function fencing(model: Model): HandoverFacet {
  const position = { offset: 100, text: '100' };
  return {
    prepare: () => Promise.resolve(),
    unprepare: () => Promise.resolve(),
    fence: async (_cluster, primary, { epoch }) => {
      const node = model.node(primary);
      if (!node.fenced && node.role !== 'primary') {
        throw new RollgateError('NOT_PRIMARY', `${primary} is no primary`, 'Observe again.');
      }
      if (!node.fenced) {
        await model.effect(`fence ${primary}`, () => {
          node.running = false;
          node.fenced = true;
        });
      }
      return fenceFrom({
        group: 'default',
        node: primary,
        epoch,
        position,
        stopped: true,
        clean: true,
        guard: 'the model',
        at: new Date().toISOString(),
      });
    },
    unfence: async (_cluster, primary) => {
      if (model.primary && model.primary.id !== primary) {
        throw new RollgateError('PRIMARY_MOVED', `${model.primary.id} is the primary`, 'Nothing to do.');
      }
      if (!model.node(primary).fenced) return;
      await model.effect(`unfence ${primary}`, () => {
        const node = model.node(primary);
        node.fenced = false;
        node.running = true;
      });
    },
    applied: (_cluster, candidates) =>
      Promise.resolve(
        candidates.map((node) => ({
          node,
          position: model.stuckCandidates ? { offset: 90, text: '90' } : position,
        })),
      ),
    promote: async (_cluster, candidate, fence) => {
      const repoint = (): void => {
        for (const n of model.nodes) if (n.id !== candidate && n.id !== fence.node) n.upstream = candidate;
      };
      if (model.primary?.id === candidate) repoint();
      else {
        await model.effect(`promote ${candidate}`, () => {
          model.node(candidate).role = 'primary';
          model.epoch++;
          repoint();
        });
      }
      return { group: 'default', node: candidate, epoch: model.epoch, at: new Date().toISOString() };
    },
    release: (_cluster, fence) => {
      model.node(fence.node).fenced = false;
      return Promise.resolve();
    },
  };
}
