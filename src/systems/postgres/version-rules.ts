import type { VersionRules } from '../../contracts/plan.js';

const notes = (version: string): string => `https://www.postgresql.org/docs/release/${version}/`;

const abi =
  'its ABI change breaks extensions that were built for earlier minor releases of the same major version';
const index = 'CREATE INDEX CONCURRENTLY and REINDEX CONCURRENTLY can silently corrupt the index';

/**
 * Minor releases of one major version share their storage format and their replication protocol, so a rolling
 * upgrade stays within a major version; another one needs a migration.
 * Source: https://www.postgresql.org/support/versioning/ and
 * https://www.postgresql.org/docs/current/upgrading.html
 */
export const versionRules: VersionRules = {
  seriesDepth: 1,
  step: 'same-series',
  beyond: {
    code: 'MAJOR_NEEDS_MIGRATION',
    reason:
      'another major version has another storage format; its servers do not replicate physically with these',
    remedy: 'Use a StorageMigration for another major version; a RollingUpgrade stays within one.',
    source: 'https://www.postgresql.org/docs/current/upgrading.html',
  },
  rows: [
    { kind: 'known-bad', from: '17.1', to: '17.1', reason: abi, source: notes('17.2') },
    { kind: 'known-bad', from: '16.5', to: '16.5', reason: abi, source: notes('16.6') },
    { kind: 'known-bad', from: '15.9', to: '15.9', reason: abi, source: notes('15.10') },
    { kind: 'known-bad', from: '14.14', to: '14.14', reason: abi, source: notes('14.15') },
    { kind: 'known-bad', from: '13.17', to: '13.17', reason: abi, source: notes('13.18') },
    { kind: 'known-bad', from: '14.0', to: '14.3', reason: index, source: notes('14.4') },
  ],
};
