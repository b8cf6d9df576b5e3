import { Command, Option } from 'commander';
import type { Phase } from '../../../contracts/index.js';
import type { RunListing } from '../../run-list.js';
import type { Cli } from '../cli.js';
import { columns } from '../columns.js';
import { exitCodes } from '../exit-codes.js';
import { parseCount } from '../options.js';

const phases = [
  'planning',
  'rolling',
  'forming',
  'migrating',
  'waiting-for-approval',
  'paused',
  'blocked',
  'rolling-back',
  'finishing',
  'finished',
] as const satisfies readonly Phase[];

interface ListOptions {
  readonly cluster?: string;
  readonly phase?: Phase;
  readonly limit: number;
}

/** Of a pipeline the whole way, not its last stage alone. */
const targetOf = ({ target, pipeline }: RunListing): string =>
  pipeline ? `pipeline ${pipeline.name}: ${pipeline.stages.join(', ')}` : target;

export function listCommand(cli: Cli): Command {
  return new Command('list')
    .description('list runs, newest first')
    .option('--cluster <name>', 'of this cluster only')
    .addOption(new Option('--phase <phase>', 'in this phase only').choices(phases))
    .addOption(new Option('--limit <count>', 'at most this many').argParser(parseCount).default(50))
    .action(
      cli.action(async (run, options: ListOptions) => {
        const runs = await run.client.list(options);
        if (run.output === 'ndjson') for (const listed of runs) run.jsonLine(listed);
        else {
          const rows = runs.map((r) => [
            r.cluster,
            r.system,
            targetOf(r),
            r.phase,
            r.workflow,
            r.startedAt,
            r.endedAt ?? '',
            r.runId,
          ]);
          const head = ['cluster', 'system', 'target', 'phase', 'workflow', 'started', 'ended', 'run'];
          run.data(runs, columns(head, rows).join('\n'));
        }
        return exitCodes.done;
      }),
    );
}
