import { formatBytes, formatClock } from '../format.js';
import type { Summary } from '../summary-schema.js';

export const backupLines = ({ backups }: Summary): string[] =>
  backups.flatMap((b) => [
    `${b.name}  ${b.content}  ${formatBytes(b.bytes)}  at ${formatClock(b.at)}`,
    `  ${b.path}`,
    `  sha256 ${b.sha256}`,
  ]);
