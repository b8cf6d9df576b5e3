import type { Specs } from '../../spec/index.js';

/** Files with a pipeline are about it, unless one of its upgrades is named; the upgrades are its stages. */
export const isOfPipeline = (
  specs: Specs,
  named: { readonly upgrade?: string; readonly pipeline?: string },
): boolean => named.pipeline !== undefined || (named.upgrade === undefined && specs.pipelines.size > 0);
