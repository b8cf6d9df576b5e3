import { userInfo } from 'node:os';

/** The name of the user; a process may run under an id that has none. */
export function whoAmI(): string {
  try {
    return userInfo().username;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return `uid ${process.getuid?.() ?? 'unknown'}`;
    throw error;
  }
}
