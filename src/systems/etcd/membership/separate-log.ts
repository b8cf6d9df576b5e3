import { RollgateError } from '../../../contracts/index.js';
import type { EtcdSettings } from '../settings.js';

/**
 * A data directory is moved, copied and begun anew as a whole; a log elsewhere would stay behind and be taken for
 * that of the new data.
 */
export function requireLogInside({ args }: EtcdSettings): void {
  const separate = args.find((arg) => arg.startsWith('--wal-dir='));
  if (separate === undefined) return;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `the members keep their log apart from their data (${separate}); members are added and formed only where it is inside the data directory`,
    'Take --wal-dir out of spec.settings.args, with the log inside the data directory, or do this step by hand.',
  );
}
