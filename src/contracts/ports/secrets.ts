import type { SecretRef } from '../spec.js';

/** Resolves references inside activities and the probe; nothing else ever sees a value. */
export interface SecretResolver {
  /** @throws SECRET_UNRESOLVED naming the reference, never a value */
  resolve(ref: SecretRef): Promise<string>;
  /** Replace every value resolved so far by `[secret]`: for error messages and logs. */
  redact(text: string): string;
}
