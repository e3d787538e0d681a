import { inspect } from 'node:util';
import { messageOf } from '../../errors.js';
import type { RequestHead } from '../../exchange/exchange.js';
import { maskedQuery, maskedValue } from './masked.js';
import { type SourceExcerpt, sourceExcerpt } from './source-excerpt.js';

/** What the developer sees of an error, in development mode only. */
export interface ErrorAnswer {
  readonly contentType: string;
  readonly body: string;
}

/** What a page or text is made of. */
export interface ShownError {
  readonly title: string;
  readonly message: string;
  readonly stack: string;
  /** Where the source is looked for; default: in the stack. */
  readonly frames?: string;
  /** Shown with secrets masked. */
  readonly request?: RequestHead;
  /** Last lines that were printed. */
  readonly output?: readonly string[];
}

/** What becomes of the texts of an error that name places in files; see `EngineSettings.shownPlaces`. */
export type ShownPlaces = (text: string) => string;

/** Longest part of a stack that is shown. */
const MAX_STACK_LENGTH = 20_000;
/** Causes of causes are shown so deep. */
const MAX_CAUSES = 5;

/**
 * A page with the error, the source around it, its stack and the request; a text for clients that take no HTML. Secrets
 * of the client (Authorization, Cookie and the like) are masked.
 */
export function errorAnswer(
  error: unknown,
  request: RequestHead,
  title: string,
  shownPlaces: ShownPlaces = (text) => text,
): ErrorAnswer {
  const shown = {
    title,
    message: shownPlaces(messageOf(error)),
    stack: shownPlaces(stackOf(error)),
    frames: shownPlaces(framesOf(error)),
    request,
  };
  return takesHtml(request.fields.get('accept'))
    ? { contentType: 'text/html; charset=UTF-8', body: errorPage(shown) }
    : { contentType: 'text/plain; charset=UTF-8', body: errorText(shown) };
}

/** Without Accept everything is taken (RFC 9110 §12.5.1). */
function takesHtml(accept: string | undefined): boolean {
  return accept === undefined || /text\/(?:html|\*)|\*\/\*/i.test(accept);
}

/** Stack of an error with those of its causes; anything else as Node would print it. */
function stackOf(error: unknown): string {
  const parts: string[] = [];
  let current = error;
  for (let depth = 0; depth < MAX_CAUSES && current !== undefined; depth++) {
    const text = singleStack(current);
    parts.push(depth === 0 ? text : `Caused by: ${text}`);
    current = current instanceof Error ? current.cause : undefined;
  }
  return parts.join('\n').slice(0, MAX_STACK_LENGTH);
}

/**
 * The stack without messages. A message may hold what the client has sent, also lines that look like frames: they must not
 * choose the file that is shown.
 */
function framesOf(error: unknown): string {
  const parts: string[] = [];
  let current = error;
  for (let depth = 0; depth < MAX_CAUSES && current instanceof Error; depth++) {
    parts.push(framesOfOne(current));
    current = current.cause;
  }
  return parts.join('\n').slice(0, MAX_STACK_LENGTH);
}

function framesOfOne(error: Error): string {
  try {
    const { stack, message } = error;
    if (typeof stack !== 'string' || typeof message !== 'string') return '';
    // Node does not tell the place of a syntax error in an ES module, but who loaded it has found out.
    const place =
      codeOf(error) === 'PORTICO_SYNTAX_ERROR' ? / at (\/.*:\d+)\.$/.exec(message)?.[1] : undefined;
    if (place !== undefined) return place;
    const at = stack.indexOf(message);
    // A message that was changed later: what of the stack it was is not known.
    if (at < 0) return '';
    // In front of it stands the place of a syntax error.
    return `${stack.slice(0, at)}\n${stack.slice(at + message.length)}`;
  } catch {
    // An error that does not want to be looked at.
    return '';
  }
}

function codeOf(error: Error): unknown {
  return (error as { readonly code?: unknown }).code;
}

function singleStack(thrown: unknown): string {
  try {
    if (thrown instanceof Error && typeof thrown.stack === 'string') return thrown.stack;
    return inspect(thrown, { depth: 2 });
  } catch {
    // A value that does not want to be looked at.
    return messageOf(thrown);
  }
}

/** The error as a text. */
export function errorText({ title, message, stack, frames = stack, output = [] }: ShownError): string {
  const excerpt = sourceExcerpt(frames);
  const source =
    excerpt === undefined
      ? []
      : [
          `${excerpt.file}:${excerpt.line}`,
          ...excerpt.lines.map(
            ([number, line]) => `${number === excerpt.line ? '>' : ' '} ${number} ${line}`,
          ),
          '',
        ];
  const printed = output.length === 0 ? [] : ['', 'Last output:', ...output];
  return [`${title}: ${message}`, '', ...source, stack, ...printed, ''].join('\n');
}

/** The error as a page; everything in it is escaped. */
export function errorPage(shown: ShownError): string {
  const { title, message, stack, frames = stack, request, output = [] } = shown;
  const excerpt = sourceExcerpt(frames);
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title>
<style>${STYLE}</style></head>
<body><h1>${escapeHtml(title)}</h1>
<p class="message">${escapeHtml(message)}</p>
${excerpt === undefined ? '' : sourceOf(excerpt)}
<h2>Stack</h2><pre>${escapeHtml(stack)}</pre>
${output.length === 0 ? '' : `<h2>Last output</h2><pre>${escapeHtml(output.join('\n'))}</pre>`}
${request === undefined ? '' : requestOf(request)}
<p>This page is shown in development mode only.</p>
</body></html>
`;
}

const STYLE = `
body{font:1rem/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
h1{font-size:1.4rem}h2{font-size:1rem;margin:1.5rem 0 .3rem}p.message{color:#a00;font-weight:600;white-space:pre-wrap}
pre{background:#f4f4f4;padding:.6rem;overflow:auto;font-size:.85rem}pre b{background:#fdd;display:block}
table{border-collapse:collapse;font-size:.85rem}td{padding:.1rem .8rem .1rem 0;vertical-align:top;word-break:break-all}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#1b1b1b}pre{background:#262626}pre b{background:#522}p.message{color:#f88}}
`;

function requestOf(head: RequestHead): string {
  const target = head.query === undefined ? head.path : `${head.path}?${maskedQuery(head.query)}`;
  const flat = head.fields.flat();
  const rows: string[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const name = flat[i] as string;
    rows.push(row(name, maskedValue(name, flat[i + 1] as string)));
  }
  return `<h2>Request</h2><p><code>${escapeHtml(`${head.method} ${target}`)}</code></p>
<table>${rows.join('')}</table>`;
}

function sourceOf({ file, line, lines }: SourceExcerpt): string {
  const width = String(lines.at(-1)?.[0] ?? line).length;
  const shown = lines.map(([number, content]) => {
    const text = `${String(number).padStart(width)}  ${escapeHtml(content)}`;
    return number === line ? `<b>${text}</b>` : `${text}\n`;
  });
  return `<h2>${escapeHtml(`${file}:${line}`)}</h2><pre>${shown.join('')}</pre>`;
}

function row(name: string, value: string): string {
  return `<tr><td>${escapeHtml(name)}</td><td>${escapeHtml(value)}</td></tr>`;
}

/** Text made safe for element content and quoted attributes. */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
