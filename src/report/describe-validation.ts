import type { Validation } from '../contracts/index.js';
import { cutOf } from './summarize-migration.js';
import { cutText } from './text/migration.js';

/** One comparison, as the text report tells it: what differs, to the row and column. */
export const describeValidation = (found: Validation): string => cutText(cutOf(found)).join('\n');
