import { Command } from 'commander';
import { clusterOfRun, RollgateError, type ControlAction, type RunState } from '../../../contracts/index.js';
import type { Cli } from '../cli.js';
import { exitCodes } from '../exit-codes.js';
import { approveCommand } from '../run-lines.js';
import { whoAmI } from '../who-am-i.js';

interface ControlOptions {
  readonly by: string;
  readonly reason?: string;
  readonly step?: string;
  readonly planHash?: string;
}

const descriptions: Readonly<Record<ControlAction, string>> = {
  pause: 'hold a run at its next safe point',
  resume: 'let a paused run go on',
  approve: 'let the step that waits for approval begin',
  reject: 'refuse the step that waits for approval',
  retry: 'try the failed step of a blocked run again',
  skip: 'leave the node of the failed step as it is and go on with the others; give up a side of a migration that is lost',
  rollback: 'go back to the former version, with the same gates',
  abort: 'stop a run at its next safe point; nodes keep the version they have',
};

/** Controls that are about one step. */
const ofStep: readonly ControlAction[] = ['approve', 'reject', 'skip'];

export function controlCommand(cli: Cli, action: ControlAction): Command {
  const command = new Command(action)
    .description(descriptions[action])
    .argument('<cluster>', 'name of the cluster, or a workflow id')
    .option('--reason <text>', 'why; recorded in the run')
    .option('--by <name>', 'who; recorded in the run', whoAmI());
  if (ofStep.includes(action)) command.option('--step <id>', 'the step that is meant');
  if (action === 'approve') command.option('--plan-hash <hash>', 'the plan that was read');
  return command.action(
    cli.action(async (run, cluster: string, options: ControlOptions) => {
      const handle = await run.client.get(cluster);
      const { by, reason, step, planHash } = options;
      if (action === 'approve' && (step === undefined || planHash === undefined)) {
        throw approveWhat(await handle.status());
      }
      const reply = await handle[action]({ by, reason, step, planHash });
      run.data(
        { action, cluster: handle.cluster, ...reply },
        `${action} accepted; takes effect ${reply.effect}`,
      );
      return exitCodes.done;
    }),
  );
}

/** An approval must name what was read; say what there is to read. */
function approveWhat(state: RunState): RollgateError {
  const command = approveCommand(state);
  if (!state.waiting || command === undefined) {
    return new RollgateError(
      'USAGE',
      `approve needs --step and --plan-hash; and no approval is waiting: the run is ${state.phase}`,
      `rollgate status ${clusterOfRun(state)}`,
    );
  }
  return new RollgateError(
    'USAGE',
    `approve needs --step and --plan-hash: ${state.waiting.step} (${state.waiting.title}) of plan ${state.plan?.hash ?? '?'} waits`,
    `Read the plan, then: ${command}`,
  );
}
