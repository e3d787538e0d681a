import { AbortReason, type Exchange } from '../exchange/exchange.js';
import { statusText } from '../http/status-text.js';

/**
 * A short answer of the front itself: an error, or a redirect. HTML for whoever asks for it, otherwise one line of
 * text. It names no version, no stack and no file. `reason` is escaped; it may come from an application.
 */
export function answerPlainly(
  exchange: Exchange,
  status: number,
  reason: string,
  extra: readonly string[] = [],
): void {
  const title = `${status} ${statusText(status)}`;
  if (!wantsHtml(exchange)) {
    exchange.respond(
      status,
      [...extra, 'content-type', 'text/plain; charset=utf-8', ...SAFETY],
      `${title}: ${reason.replace(CONTROLS, ' ')}\n`,
    );
    return;
  }
  const body = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:15vh auto;padding:0 1rem;color:#222}h1{font-size:1.5rem}</style>
</head>
<body><h1>${title}</h1><p>${escapeHtml(reason)}</p></body>
</html>
`;
  exchange.respond(status, [...extra, 'content-type', 'text/html; charset=utf-8', ...SAFETY], body);
}

/** Answers for an exchange that was given up before its response had begun. */
export function answerAborted(exchange: Exchange, reason: AbortReason): void {
  const answer = ABORTED.get(reason);
  if (answer === undefined) exchange.abort(reason);
  else answerPlainly(exchange, answer[0], answer[1], reason === AbortReason.REFUSED ? RETRY_SOON : []);
}

const RETRY_SOON = ['retry-after', '1'];

const ABORTED: ReadonlyMap<AbortReason, readonly [status: number, text: string]> = new Map([
  [AbortReason.TIMEOUT, [504, 'The application did not answer in time.']],
  [AbortReason.INSTANCE_GONE, [502, 'The application broke off before it answered.']],
  [AbortReason.PROTOCOL_ERROR, [502, 'The application broke off before it answered.']],
  [AbortReason.APPLICATION_ERROR, [500, 'The application failed.']],
  [AbortReason.BODY_TOO_LARGE, [413, 'The body of the request is larger than this application allows.']],
  [AbortReason.REFUSED, [503, 'The application takes no requests at the moment.']],
] as const);

/**
 * Redirects to the same path with a slash behind it, query kept. The target is a path of this server: a canonical
 * path begins with exactly one slash, and anything else is refused here, since `//host` and `/\host` would lead a
 * browser elsewhere. 302, not 308: whatever answers for this path may be another application tomorrow, and browsers
 * keep a 308.
 */
export function redirectToFolder(exchange: Exchange): void {
  const { path, query } = exchange.head;
  const second = path.charCodeAt(1);
  if (path.charCodeAt(0) !== 0x2f || second === 0x2f || second === 0x5c) {
    answerPlainly(exchange, 400, 'The path of the request is not valid.');
    return;
  }
  const location = query === undefined ? `${path}/` : `${path}/?${query}`;
  answerPlainly(exchange, 302, 'The page is found at its path with a slash at the end.', [
    'location',
    location,
  ]);
}

/** Text made safe for element content and quoted attributes of HTML. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const SAFETY = ['cache-control', 'no-store', 'x-content-type-options', 'nosniff'];

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /[\u0000-\u001f\u007f-\u009f]+/g;

/** True for browsers. */
export function wantsHtml(exchange: Exchange): boolean {
  return exchange.head.fields.get('accept')?.includes('text/html') === true;
}
