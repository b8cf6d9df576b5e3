import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { temporalAddress } from './temporal.js';

const main = fileURLToPath(new URL('../../../dist/client/cli/main.js', import.meta.url));

/** The built program in a process of its own; `env` names the task queue. */
export const program = (argv: readonly string[], env: Record<string, string>) =>
  execute(process.execPath, [main, ...argv], env);

/** Any program, with the Temporal server of this test run in its environment. */
export function execute(file: string, argv: readonly string[], env: Record<string, string>) {
  const child = spawn(file, argv, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      TEMPORAL_ADDRESS: temporalAddress(),
      TEMPORAL_NAMESPACE: 'default',
      ...env,
    },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = once(child, 'close').then(() => ({ code: child.exitCode, stdout, stderr }));
  return {
    child,
    ended,
    /** Until stdout holds the text. */
    said: async (text: string): Promise<void> => {
      for (let tries = 0; !stdout.includes(text); tries++) {
        if (tries > 200) throw new Error(`never said ${text}: ${stdout} ${stderr}`);
        await delay(50);
      }
    },
  };
}
