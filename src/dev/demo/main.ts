import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { playEtcd } from './etcd.js';
import { playFormation } from './formation.js';
import { playMigration } from './migration.js';
import { playPostgres } from './postgres.js';
import { say } from './print.js';
import { onStage, type DemoStage } from './stage.js';

/**
 * `npm run demo` shows PostgreSQL, `npm run demo -- etcd` a version switch and its way back, `-- formation` how a
 * standalone becomes a cluster, `-- migration` how PostgreSQL 17 becomes 18 on other storage. `--keep` leaves everything running; `--fail` shows PostgreSQL's target not starting.
 */
const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { keep: { type: 'boolean', default: false }, fail: { type: 'boolean', default: false } },
});

const plays: Readonly<Record<string, { cluster: string; play: (stage: DemoStage) => Promise<boolean> }>> = {
  postgres: { cluster: 'orders', play: (stage) => playPostgres(stage, flags) },
  etcd: { cluster: 'config', play: playEtcd },
  formation: { cluster: 'config', play: playFormation },
  migration: { cluster: 'orders', play: playMigration },
};

const name = positionals[0] ?? 'postgres';
const chosen = plays[name];
if (!chosen || positionals.length > 1) {
  console.error(`there is no demo "${positionals.join(' ')}"; there are: ${Object.keys(plays).join(', ')}`);
  process.exitCode = 2;
} else {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort());
  const { cluster, play } = chosen;
  process.exitCode = await onStage(
    async (stage) => {
      const good = await play(stage);
      if (flags.keep && good) keepHint(stage, cluster);
      return good;
    },
    { keep: flags.keep, interrupt: interrupt.signal },
  );
}

function keepHint({ temporal, work }: DemoStage, cluster: string): void {
  say('Left running; commands to try');
  console.log(`  export TEMPORAL_ADDRESS=${temporal.address}`);
  console.log(`  node dist/client/cli/main.js status ${cluster}`);
  console.log('  node dist/client/cli/main.js list');
  console.log(`  node dist/client/cli/main.js doctor -f ${join(work, 'cluster', 'cluster.yaml')}`);
  console.log(`  node dist/client/cli/main.js report ${cluster} --out artifacts`);
  if (temporal.uiUrl !== undefined) console.log(`  ${temporal.uiUrl}`);
  console.log('  Press Ctrl-C here to end everything.');
}
