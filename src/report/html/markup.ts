declare const trusted: unique symbol;

/** Markup that is complete and escaped. Only {@link html} and {@link join} make it. */
export interface Markup {
  readonly [trusted]: true;
  readonly text: string;
}

type Value = Markup | string | number | undefined | false | readonly Markup[];

/** A template in which every value is escaped that is not markup itself; `undefined` and `false` are nothing. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return markup(
    strings.reduce((text, part, i) => text + part + (i < values.length ? write(values[i]) : ''), ''),
  );
}

export const join = (parts: readonly Markup[], separator = ''): Markup =>
  markup(parts.map((p) => p.text).join(separator));

/** A style sheet: constant text, so there is nothing to escape. */
export const css = (strings: TemplateStringsArray): Markup => markup(strings.join(''));

/** For text content and for attributes in double quotes. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

const markup = (text: string): Markup => ({ text }) as Markup;

function write(value: Value): string {
  if (value === undefined || value === false) return '';
  if (typeof value === 'string') return escapeHtml(value);
  if (typeof value === 'number') return String(value);
  return 'text' in value ? value.text : join(value).text;
}
