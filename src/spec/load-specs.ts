import { readFile } from 'node:fs/promises';
import { RollgateError } from '../contracts/index.js';
import { collectSpecs, parseSpecs, type Specs } from './parse-specs.js';
import type { Source } from './read-documents.js';
import { SpecError, type SpecProblem } from './spec-error.js';

/**
 * Read and check files of YAML or JSON documents.
 * @throws SpecError with SPEC_UNREADABLE, SPEC_INVALID or SPEC_KIND_NOT_AVAILABLE; USAGE when no file is named
 */
export async function loadSpecs(files: readonly string[]): Promise<Specs> {
  if (files.length === 0) {
    throw new RollgateError(
      'USAGE',
      'no file was named',
      'name the files with the cluster and what is to be run on it',
    );
  }
  const unreadable: SpecProblem[] = [];
  const sources: Source[] = [];
  for (const file of new Set(files)) {
    try {
      sources.push({ file, text: await readFile(file, 'utf8') });
    } catch (error) {
      unreadable.push({ file, line: 0, column: 0, path: '', code: 'SPEC_UNREADABLE', ...reasonOf(error) });
    }
  }
  if (unreadable.length === 0) return parseSpecs(sources);
  // What is wrong in the other files is told as well, but not what the missing file may hold.
  const { problems } = collectSpecs(sources);
  throw new SpecError([...unreadable, ...problems.filter((p) => p.path !== 'spec.cluster')]);
}

function reasonOf(error: unknown): { message: string; remedy: string } {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  switch (code) {
    case 'ENOENT':
      return {
        message: 'there is no such file',
        remedy: 'check the path; it is relative to the current directory',
      };
    case 'EISDIR':
      return { message: 'this is a directory', remedy: 'name the files in it' };
    case 'EACCES':
    case 'EPERM':
      return { message: 'this user may not read the file', remedy: 'give the user the right to read it' };
    default:
      return {
        message: `the file cannot be read (${code})`,
        remedy: 'make the file readable, then try again',
      };
  }
}
