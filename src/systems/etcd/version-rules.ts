import type { VersionRules } from '../../contracts/plan.js';

const guide = (series: string): string =>
  `https://etcd.io/docs/v${series}/upgrades/upgrade_${series.replace('.', '_')}/`;
const oneAtATime = 'etcd supports upgrades by one minor version at a time';
const policy = 'https://etcd.io/docs/v3.6/upgrades/upgrading-etcd/';

/**
 * One minor version at a time, down as well as up; the nodes agree on the cluster version.
 * Source: https://etcd.io/docs/v3.6/upgrades/upgrading-etcd/ and https://etcd.io/docs/v3.6/downgrades/downgrade_3_6/
 */
export const versionRules: VersionRules = {
  seriesDepth: 2,
  step: 'adjacent-series',
  beyond: {
    code: 'VERSION_TOO_FAR',
    reason: `${oneAtATime}, and down again by one; a server of another series does not start in the cluster`,
    remedy: 'Go by one minor version at a time: name a target of the next series first.',
    source: policy,
  },
  rows: [
    {
      kind: 'known-bad',
      from: '3.5.0',
      to: '3.5.2',
      reason:
        'under high load a member that is killed can come back without transactions that were committed',
      source: 'https://github.com/etcd-io/etcd/tree/main/CHANGELOG#v35-data-corruption-issue',
    },
    {
      kind: 'known-bad',
      from: '3.5.3',
      to: '3.5.5',
      reason: 'a member that crashes while it defragments can come back with data unlike that of the others',
      source: 'https://groups.google.com/a/kubernetes.io/g/dev/c/sEVopPxKPDo/m/9ME3CzicBwAJ',
    },
    {
      kind: 'waypoint',
      from: '3.5.0',
      below: '3.5.26',
      series: '3.6',
      via: '3.5.35',
      reason:
        'before 3.5.26 the member list in the new store can be wrong: promoted members become learners again and removed ones come back when 3.6 reads it, and the cluster does not start',
      source: 'https://etcd.io/blog/2025/zombie_members_upgrade/',
    },
    {
      kind: 'waypoint',
      from: '3.5.0',
      below: '3.6.0',
      series: '3.7',
      via: '3.6.16',
      reason: oneAtATime,
      source: policy,
    },
    {
      kind: 'waypoint',
      from: '3.6.0',
      below: '3.6.11',
      series: '3.7',
      via: '3.6.16',
      reason: 'before 3.6.11 members of 3.6 may not be compatible with a rolling upgrade to 3.7',
      source: guide('3.7'),
    },
  ],
  levels: {
    lowered: 'by-command',
    lowerFrom: '3.6.0',
    source: 'https://etcd.io/docs/v3.6/downgrades/downgrade_3_6/',
  },
};
