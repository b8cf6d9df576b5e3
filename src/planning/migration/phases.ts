import { passedFrom, type Direction, type Validation } from '../../contracts/migration.js';
import type { MigrationPhase, MigrationState } from '../../contracts/run.js';

/** The phases from which each may be entered (R-MIG 1). */
const before: Readonly<Record<MigrationPhase, readonly MigrationPhase[]>> = {
  preflight: [],
  // Again, when the source has lost the snapshot of its export.
  exporting: ['preflight', 'bootstrapping', 'validating-export', 'dual-writing'],
  bootstrapping: ['exporting'],
  'validating-export': ['bootstrapping'],
  'dual-writing': ['validating-export'],
  // Again, when a comparison has gone old or something stands in the way of the cutover.
  'validating-cutover': ['dual-writing', 'cut-back', 'awaiting-approval', 'cutting-over'],
  'awaiting-approval': ['validating-cutover'],
  'cutting-over': ['awaiting-approval'],
  observing: ['cutting-over'],
  accepted: ['observing'],
  'cut-back': ['observing'],
  discarded: [
    'preflight',
    'exporting',
    'bootstrapping',
    'validating-export',
    'dual-writing',
    'validating-cutover',
    'awaiting-approval',
    'cutting-over',
    'cut-back',
  ],
};

/** Why a phase may not be entered now, or `undefined`: what must have been shown before is asked for, not assumed. */
export function objectionToPhase(state: MigrationState, next: MigrationPhase): string | undefined {
  if (!before[next].includes(state.phase)) return `${next} does not follow on ${state.phase}`;
  switch (next) {
    case 'preflight':
    case 'exporting':
      return undefined;
    case 'validating-cutover':
      if (state.authority !== 'source') return 'the destination takes the writes';
      return state.phase === 'cut-back' ? objectionToCut(state, cutBackCut(state)) : undefined;
    case 'bootstrapping':
      return state.export ? undefined : 'nothing has been exported';
    case 'validating-export':
      return state.copy?.endedAt !== undefined && state.copy.done === state.copy.ranges
        ? undefined
        : 'not every range has been copied';
    case 'dual-writing':
      return objectionToCut(state, exportCut) ?? objectionToExport(state);
    case 'awaiting-approval':
    case 'cutting-over':
      return objectionTo(cutoverValidation(state), cutoverCut(state));
    case 'observing':
      return state.authority === 'destination' ? undefined : 'the destination does not take the writes';
    case 'accepted':
      return (
        (state.authority === 'destination' ? undefined : 'the destination does not take the writes') ??
        // With a source that is lost nothing can be compared any more.
        (state.lost === 'source' ? undefined : objectionToCut(state, fenceCut(state)))
      );
    case 'cut-back':
      return state.authority === 'source' ? undefined : 'the source does not take the writes';
    case 'discarded':
      return state.authority === 'source' ? undefined : 'the destination takes the writes: cut back first';
  }
}

/** Names of the cuts: each switch has its own, so that no validation serves twice. */
export const exportCut = 'at-export';
/** What the source holds for the copy itself, until that has been compared. */
export const exportHold = 'export';
export const cutoverCut = ({ switches }: Pick<MigrationState, 'switches'>): string =>
  `before-cutover-${1 + cutovers({ switches })}`;
export const fenceCut = ({ switches }: Pick<MigrationState, 'switches'>): string =>
  `cutover-${cutovers({ switches })}`;

/** Both copies as they were when the writes came back last. */
export const cutBackCut = ({ switches }: Pick<MigrationState, 'switches'>): string =>
  `cut-back-${cutovers({ switches })}`;

/** The comparison by which the next cutover is allowed: the latest since the writes moved last. */
export function cutoverValidation(
  state: Pick<MigrationState, 'switches' | 'validations'>,
): Validation | undefined {
  const cuts = [cutBackCut(state), cutoverCut(state)];
  return state.validations.findLast((v) => cuts.includes(v.cut));
}

/** How often the writes have moved to the destination. */
export const cutovers = ({ switches }: Pick<MigrationState, 'switches'>): number =>
  switches.filter((s) => s.direction === 'forward' && s.result === 'done').length;

/** In which direction changes flow now, so that a cut can be made; `undefined`: in none, or the writes are moving. */
export function flowing({ phase }: Pick<MigrationState, 'phase'>): Direction | undefined {
  if (phase === 'observing') return 'back';
  const forward: readonly MigrationPhase[] = ['validating-cutover', 'awaiting-approval', 'cut-back'];
  return forward.includes(phase) ? 'forward' : undefined;
}

/** The latest comparison of a cut. */
export const validationOf = (
  { validations }: Pick<MigrationState, 'validations'>,
  cut: string,
): Validation | undefined => validations.findLast((v) => v.cut === cut);

const objectionToCut = (state: MigrationState, cut: string): string | undefined =>
  objectionTo(validationOf(state, cut), cut);

function objectionTo(found: Validation | undefined, wanted: string): string | undefined {
  if (!found) return `the copies have not been compared at the cut ${wanted}`;
  return passedFrom(found)
    ? undefined
    : `the copies differ at the cut ${found.cut}: ${found.mismatches} rows`;
}

/** A comparison at an export says nothing of one that has been made since. */
function objectionToExport(state: MigrationState): string | undefined {
  const found = validationOf(state, exportCut);
  return found?.position.text === state.export?.position.text
    ? undefined
    : 'the copies have been compared at another export';
}
