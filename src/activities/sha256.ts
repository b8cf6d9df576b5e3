import { createHash } from 'node:crypto';

/** What plans are hashed by: planning itself is pure and has no cryptography. */
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
