import { InvalidArgumentError, Option } from 'commander';
import { Duration, formationStages, type FormationStage } from '../../contracts/index.js';

/** `-f a.yaml -f b.yaml` */
export const fileOption = (what: string): Option =>
  new Option('-f, --file <file>', `${what}; repeatable`).argParser<string[]>((file, files) => [
    ...(Array.isArray(files) ? files : []),
    file,
  ]);

export const timeoutOption = (): Option =>
  new Option('--timeout <duration>', 'stop waiting after this time (exit code 124), e.g. 30m').argParser(
    parseDuration,
  );

/** `--stage init --stage serve`; in the order in which they are taken, whatever the order in which they are named. */
export const stageOption = (): Option =>
  new Option('--stage <stage>', `one stage of ${formationStages.join(', ')} instead of all; repeatable`)
    .default(formationStages, 'all')
    .argParser<readonly FormationStage[]>((text, before) => {
      const stage = formationStages.find((s) => s === text);
      if (!stage) throw new InvalidArgumentError(`Needs one of ${formationStages.join(', ')}.`);
      const named = before === formationStages ? [] : before;
      return formationStages.filter((s) => s === stage || named.includes(s));
    });

/** Milliseconds. */
export function parseDuration(text: string): number {
  const parsed = Duration.safeParse(text);
  if (!parsed.success) throw new InvalidArgumentError('Needs a duration such as 500ms, 30s, 5m, 2h or 1d.');
  return parsed.data;
}

export function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError('Needs a whole number above 0.');
  return count;
}
