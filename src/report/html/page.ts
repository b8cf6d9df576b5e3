import { html, type Markup } from './markup.js';
import { styleElement } from './styles/index.js';

/**
 * One file that asks nothing of any network and needs no script; its content security policy forbids both.
 *
 * @param asOf the last thing that is told, ISO 8601
 */
export const page = (title: string, asOf: string, body: Markup): string =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"
        />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="icon" href="data:," />
        ${styleElement}
      </head>
      <body>
        <main>
          ${body}
          <footer>
            Written by rollgate from the state of the run as of ${asOf}. The same figures for programs:
            summary.json.
          </footer>
        </main>
      </body>
    </html> `.text;
