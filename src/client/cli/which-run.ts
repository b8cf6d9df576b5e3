import type { Specs } from '../../spec/index.js';

/** What a user may name where the files hold several documents that can be run. */
export interface NamedRun {
  readonly upgrade?: string;
  readonly pipeline?: string;
  readonly migration?: string;
}

/**
 * What the files are about: what is named; otherwise a pipeline, whose stages the others are; otherwise a migration,
 * unless there is an upgrade as well, which has to be named then.
 */
export function kindOfRun(specs: Specs, named: NamedRun): 'pipeline' | 'migration' | 'upgrade' {
  if (named.pipeline !== undefined) return 'pipeline';
  if (named.migration !== undefined) return 'migration';
  if (named.upgrade !== undefined) return 'upgrade';
  if (specs.pipelines.size > 0) return 'pipeline';
  return specs.migrations.size > 0 ? 'migration' : 'upgrade';
}
