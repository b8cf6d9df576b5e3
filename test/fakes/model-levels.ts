import { RollgateError, type DataSystem, type GateVerdict } from '../../src/contracts/index.js';
import { compareVersions } from '../../src/planning/version-path.js';
import type { Model, ModelNode } from './model.js';

/** The nodes of the model agree on a level: the series of their versions. */
export interface ModelLevels {
  active: string;
  lowering: string | undefined;
  /** Nodes whose own level stays where it is. */
  readonly stuck: Set<string>;
  /** The group does not raise its level by itself, although it could. */
  held: boolean;
  /** What nobody learns: `active`, `lowering`, or the own level of a node by its id. */
  readonly dark: Set<string>;
  /** What the comparison of the copies says. */
  copies: Pick<GateVerdict, 'verdict' | 'observed'>;
  /** Why a backup could not be verified. */
  brokenBackup: string | undefined;
  readonly backups: Set<string>;
  /** What the system says when the primary is to be moved; nothing is moved then. */
  transferFailure: RollgateError | undefined;
}

export const newLevels = (version: string): ModelLevels => ({
  active: seriesOf(version),
  lowering: undefined,
  stuck: new Set(),
  held: false,
  dark: new Set(),
  copies: { verdict: 'pass', observed: 'all copies are equal at revision 7' },
  brokenBackup: undefined,
  backups: new Set(),
  transferFailure: undefined,
});

export const seriesOf = (version: string): string => version.split('.').slice(0, 2).join('.');

/**
 * What such a system does by itself: it ends a lowering that every node has followed, raises its level as soon as
 * all nodes are of a later series, and takes each running node along.
 */
export function settleLevels(levels: ModelLevels, nodes: readonly ModelNode[]): void {
  const seen = nodes.map((n) => (n.running && !n.silent ? seriesOf(n.version) : undefined));
  const known = seen.filter((s) => s !== undefined).sort(compareVersions);
  const lowest = known.length === nodes.length ? known[0] : undefined;
  if (levels.lowering !== undefined) {
    levels.active = levels.lowering;
    if (seen.every((s) => s === levels.lowering)) levels.lowering = undefined;
  } else if (lowest !== undefined && !levels.held && compareVersions(lowest, levels.active) > 0) {
    levels.active = lowest;
  }
  for (const n of nodes) if (n.running && !levels.stuck.has(n.id)) n.level = levels.active;
}

/** A program that knows no later level than its own series does not start on data of a later one. */
export const diesOnItsData = (node: ModelNode): boolean =>
  node.level !== undefined && compareVersions(node.level, seriesOf(node.installed)) > 0;

/** Handover by one committed operation, the level and its lowering, backups. */
export function levelFacets(
  model: Model,
  levels: ModelLevels,
): Required<Pick<DataSystem, 'transfer' | 'versionSwitch' | 'backup'>> {
  return {
    transfer: {
      transfer: async (_cluster, from, { candidates, group, epoch }) => {
        const promotion = (node: string) => ({
          ...{ group, node, epoch: model.epoch },
          at: new Date().toISOString(),
        });
        const leads = model.primary?.id;
        // Asked again after a lost reply: it has happened.
        if (leads !== undefined && candidates.includes(leads) && model.epoch > epoch) return promotion(leads);
        if (leads !== from) {
          throw new RollgateError('PRIMARY_MOVED', `${leads ?? 'nobody'} leads, not ${from}`, 'Look again.');
        }
        if (levels.transferFailure) throw levels.transferFailure;
        const to = candidates.find((id) => model.node(id).running && model.node(id).lag === 0);
        if (to === undefined) {
          throw new RollgateError('CANDIDATE_BEHIND', 'no candidate has every entry', 'Wait.');
        }
        await model.effect(`transfer ${from} ${to}`, () => {
          model.epoch++;
          for (const n of model.present) {
            n.role = n.id === to ? 'primary' : 'replica';
            n.upstream = n.id === to ? undefined : to;
          }
        });
        return promotion(to);
      },
    },
    versionSwitch: {
      lower: async (_cluster, to) => {
        if (levels.lowering === to || levels.active === to) return;
        if (compareVersions(to, levels.active) > 0) {
          throw new RollgateError('SYSTEM_REFUSED', `${to} is above ${levels.active}`, 'Name a lower level.');
        }
        await model.effect(`lower ${to}`, () => (levels.lowering = to));
      },
      cancel: async () => {
        if (levels.lowering === undefined) return;
        await model.effect('cancel lowering', () => (levels.lowering = undefined));
      },
    },
    backup: {
      save: async (_cluster, path) => {
        if (levels.brokenBackup !== undefined) {
          throw new RollgateError('BACKUP_UNVERIFIED', levels.brokenBackup, 'Save it again.');
        }
        if (!levels.backups.has(path)) {
          await model.effect(`backup ${path.split('/').at(-1) ?? ''}`, () => levels.backups.add(path));
        }
        return { path, sha256: 'c'.repeat(64), bytes: 1024, content: 'revision 7' };
      },
      compare: () => Promise.resolve({ ...levels.copies, required: 'all copies are equal' }),
    },
  };
}
