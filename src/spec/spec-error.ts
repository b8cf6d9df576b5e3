import { RollgateError } from '../contracts/index.js';

export type SpecProblemCode = 'SPEC_INVALID' | 'SPEC_UNREADABLE' | 'SPEC_KIND_NOT_AVAILABLE';

/** One thing that is wrong with what the user wrote, and where. Never carries the value of a secret. */
export interface SpecProblem {
  readonly file: string;
  /** From 1; 0 when the file could not be read. */
  readonly line: number;
  readonly column: number;
  /** As one would write it: `spec.nodes[1].address`; empty for the document itself. */
  readonly path: string;
  readonly code: SpecProblemCode;
  /** What was seen and what was needed. */
  readonly message: string;
  readonly remedy: string;
}

/**
 * Everything that is wrong with the documents, at once. Exit code 2; nothing was started.
 * `code` is SPEC_INVALID unless every problem is of one other code.
 */
export class SpecError extends RollgateError {
  constructor(readonly problems: readonly SpecProblem[]) {
    const codes = new Set(problems.map((p) => p.code));
    const only = problems[0];
    super(
      codes.size === 1 && only ? only.code : 'SPEC_INVALID',
      problems.map(describeProblem).join('\n'),
      problems.length === 1 && only
        ? only.remedy
        : problems.map((p) => `${place(p)}: ${p.remedy}`).join('\n'),
    );
  }
}

/** `cluster.yaml:12:9 spec.nodes[1].address: found "db", needs an address …` */
export function describeProblem(problem: SpecProblem): string {
  return `${place(problem)}${problem.path === '' ? '' : ` ${problem.path}`}: ${problem.message}`;
}

function place({ file, line, column }: SpecProblem): string {
  return line === 0 ? file : `${file}:${line}:${column}`;
}
