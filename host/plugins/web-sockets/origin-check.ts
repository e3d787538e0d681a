import type { ApplicationCall } from '../../application/application-call.js';
import { HttpError } from '../../application/http-errors.js';
import { PorticoError } from '../../errors.js';
import { askedHost, originOf } from '../csrf/page-origin.js';

/**
 * Which pages may open a session. A browser lets every page open a WebSocket anywhere, with the cookies of the user, and
 * no CORS asks before (RFC 6455 §10.2). Made once for an installation.
 */
export class OriginCheck {
  readonly #allowed: ReadonlySet<string>;
  readonly #isAny: boolean;

  /** An entry that is no origin is `PORTICO_PLUGIN_OPTION`. */
  constructor(allowed: 'any' | readonly string[]) {
    this.#isAny = allowed === 'any';
    this.#allowed = new Set(allowed === 'any' ? [] : allowed.map(normalized));
  }

  /** Refuses pages of other sites with 403. A client without `Origin` is no page. */
  check(call: ApplicationCall): void {
    const [text, second] = call.request.headers.getAll('Origin');
    if (text === undefined || this.#isAny) return;
    if (second === undefined && (isOwn(call, text) || this.#allowed.has(keyOf(text)))) return;
    throw new HttpError(
      403,
      'PORTICO_WEB_SOCKET_ORIGIN',
      `A page of ${JSON.stringify(text)} may not open a WebSocket at ${call.request.origin.url}. Add it to ` +
        'allowedOrigins, or have the proxy in front pass on the host that was asked.',
    );
  }
}

function isOwn(call: ApplicationCall, text: string): boolean {
  const origin = originOf(text);
  return origin !== undefined && origin.host === askedHost(call, origin);
}

/** Origins of HTTP without the port of their scheme; others as they are: `null`, `capacitor://localhost`. */
function keyOf(text: string): string {
  return originOf(text)?.origin ?? text.toLowerCase();
}

function normalized(text: string): string {
  if (text === 'null' || /^[a-z][a-z0-9+.-]*:\/\/[^/?#\s*]+\/?$/i.test(text)) return keyOf(text);
  throw new PorticoError(
    'PORTICO_PLUGIN_OPTION',
    `WebSockets: ${JSON.stringify(text)} in allowedOrigins is no origin. Write scheme and host: https://shop.example.`,
  );
}
