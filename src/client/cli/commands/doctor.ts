import { Command } from 'commander';
import { RollgateError, type ClusterSpec } from '../../../contracts/index.js';
import { loadSpecs } from '../../../spec/index.js';
import { clusterChecks } from '../../cluster-checks.js';
import type { Check } from '../../diagnose.js';
import type { RollgateClient } from '../../rollgate-client.js';
import type { Cli } from '../cli.js';
import { exitCodes } from '../exit-codes.js';
import { fileOption } from '../options.js';
import type { Paint } from '../paint.js';

export function doctorCommand(cli: Cli): Command {
  return new Command('doctor')
    .description(
      'check Temporal, namespace, search attributes and workers; with a file every node of its clusters',
    )
    .addOption(fileOption('file with a Cluster'))
    .action(
      cli.action(async (run, options: { readonly file?: readonly string[] }) => {
        const clusters = options.file ? [...(await loadSpecs(options.file)).clusters.values()] : [];
        const checks = [...(await run.client.diagnose())];
        const reachable = checks.every((c) => c.ok);
        for (const cluster of clusters) {
          checks.push(...(reachable ? await nodeChecks(run.client, cluster) : [notLookedAt(cluster)]));
        }
        const ok = checks.every((c) => c.ok);
        if (run.output === 'ndjson') for (const check of checks) run.jsonLine(check);
        else run.data({ ok, checks }, checks.flatMap((c) => checkLines(c, run.paint)).join('\n'));
        return ok ? exitCodes.done : exitCodes.failed;
      }),
    );
}

async function nodeChecks(client: RollgateClient, cluster: ClusterSpec): Promise<readonly Check[]> {
  try {
    return clusterChecks(await client.inspect(cluster));
  } catch (error) {
    if (!(error instanceof RollgateError)) throw error;
    const { message, remedy } = error;
    return [{ name: cluster.name, ok: false, observed: `cannot be observed: ${message}`, remedy }];
  }
}

const notLookedAt = (cluster: ClusterSpec): Check => ({
  name: cluster.name,
  ok: false,
  observed: 'not looked at: the nodes are observed by a worker',
  remedy: 'Do what stands above first.',
});

function checkLines(check: Check, paint: Paint): string[] {
  const mark = check.ok ? paint('green', 'ok  ') : paint('red', 'FAIL');
  return [
    `${mark}  ${check.name}: ${check.observed}`,
    ...(check.ok || check.remedy === undefined ? [] : [`      do: ${check.remedy}`]),
  ];
}
