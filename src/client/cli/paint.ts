import { styleText } from 'node:util';
import type { CliContext, Sink } from './context.js';

type Format = Parameters<typeof styleText>[0];
export type Paint = (format: Format, text: string) => string;

/** Colour on a terminal, unless the user wants none (https://no-color.org). */
export function paintFor(sink: Sink, env: CliContext['env']): Paint {
  const wanted = sink.isTTY === true && (env.NO_COLOR ?? '') === '';
  return wanted ? (format, text) => styleText(format, text, { validateStream: false }) : (_, text) => text;
}

export const plain: Paint = (_, text) => text;
