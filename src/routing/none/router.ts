import type { Router } from '../../contracts/index.js';

/**
 * Nobody stands between clients and nodes: clients find the primary themselves (for PostgreSQL by
 * `target_session_attrs`), so there is nothing to take a node out of, and the state says so.
 */
export function createNoRouter(): Router {
  return {
    drain: () => Promise.resolve(),
    restore: () => Promise.resolve(),
    state: () => Promise.resolve('not-managed'),
  };
}
