import type { RunState } from '../../contracts/index.js';

/** What the user named on the command line, so that a command that goes on from here can name it too. */
export interface NamedFiles {
  readonly file: readonly string[];
  readonly formation?: string;
}

/** `-f cluster.yaml -f 'my formation.yaml' --formation two` */
export function fileArguments({ file, formation }: NamedFiles): string {
  return [
    ...file.map((f) => `-f ${quoted(f)}`),
    ...(formation === undefined ? [] : [`--formation ${quoted(formation)}`]),
  ].join(' ');
}

/** A hint that a run wrote, which does not know what its documents were read from: with the files in their place. */
export const withFiles = (hint: string, files: NamedFiles): string =>
  hint.replace(/-f FILE\b(?: \(the files of cluster [^)]*\))?/g, () => fileArguments(files));

/** A run's state whose hints name the user's files. */
export const stateWithFiles = (state: RunState, files: NamedFiles): RunState => ({
  ...state,
  resumeHint: withFiles(state.resumeHint, files),
  leftUndone: state.leftUndone.map((l) => ({ ...l, command: withFiles(l.command, files) })),
});

/** As a POSIX shell reads it back. */
const quoted = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
