import { PorticoError } from '../../errors.js';
import { isInternalAuthority } from '../../http/internal-name.js';
import type { CallCredentials } from './call-credentials.js';
import { CallDispatcher, requirePlain } from './call-dispatcher.js';

type Fetch = (...args: readonly unknown[]) => Promise<unknown>;

/**
 * Puts a `fetch` in the place of Node's that knows the hosts of applications. Everything else is handed on as it is, a
 * request with a dispatcher of its own too. `credentials` undefined: the application may call nobody, and is told so.
 */
export function wrapFetch(application: string, credentials: CallCredentials | undefined): void {
  const property = Object.getOwnPropertyDescriptor(globalThis, 'fetch');
  const original: unknown = property?.value;
  if (property?.configurable !== true || typeof original !== 'function') return;
  const passOn = original as Fetch;
  let dispatcher: CallDispatcher | undefined;
  const call = async (url: URL, input: unknown, init: unknown): Promise<unknown> => {
    if (credentials === undefined) throw notAllowed(application, url);
    requirePlain(url);
    dispatcher ??= new CallDispatcher(credentials);
    if (init === undefined || init === null) return passOn(input, { dispatcher });
    if (isPlain(init)) return passOn(input, { ...init, dispatcher });
    // A Request, or whatever else has its properties in its class.
    return passOn(new Request(input as string, init), { dispatcher });
  };
  const fetch: Fetch = (...args) => {
    const [input, init] = args;
    const url = internalUrlOf(input);
    return url === undefined || hasDispatcher(init) ? passOn(...args) : call(url, input, init);
  };
  Object.defineProperty(globalThis, 'fetch', { ...property, value: fetch });
}

/** The URL of a request when it is for an application. */
function internalUrlOf(input: unknown): URL | undefined {
  const text =
    typeof input === 'string' ? input : input instanceof URL ? input.href : isRequest(input) ? input.url : '';
  // Most are not, and that is to cost nothing.
  if (!MARK.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return isInternalAuthority(url.host) ? url : undefined;
}

const MARK = /portico\.internal/i;

/** `Request` itself is not looked at: that would load what it is made of. */
function isRequest(input: unknown): input is { readonly url: string } {
  return typeof input === 'object' && input !== null && 'url' in input && typeof input.url === 'string';
}

function hasDispatcher(init: unknown): boolean {
  return typeof init === 'object' && init !== null && Reflect.get(init, 'dispatcher') !== undefined;
}

function isPlain(init: unknown): init is object {
  if (typeof init !== 'object' || init === null) return false;
  const prototype: unknown = Object.getPrototypeOf(init);
  return prototype === Object.prototype || prototype === null;
}

function notAllowed(application: string, { hostname }: URL): PorticoError {
  return new PorticoError(
    'PORTICO_CALL_NOT_ALLOWED',
    `${application} may not call ${hostname}: it has no list of applications to call. Add "calls" to its settings.`,
  );
}
