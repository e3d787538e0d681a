import { PorticoError } from '../../errors.js';
import { isInternalAuthority } from '../../http/internal-name.js';
import type { CallCredentials } from './call-credentials.js';

/** What `fetch` of Node asks of a dispatcher; the rest of the arguments is none of our business. */
interface Dispatcher {
  dispatch(options: DispatchOptions, handler: unknown): boolean;
}

interface DispatchOptions {
  readonly origin?: string | URL;
  readonly headers?: unknown;
}

/**
 * Where Node's `fetch` sends a request: over the socket of the host when it is for an application; what a redirect leads to
 * elsewhere goes where any other request goes, without a word of who we are.
 */
export class CallDispatcher implements Dispatcher {
  readonly #credentials: CallCredentials;
  readonly #agent: Dispatcher;

  /** Throws `PORTICO_CALL_UNSUPPORTED` when this Node has another `fetch` than those we know. */
  constructor(credentials: CallCredentials) {
    this.#credentials = credentials;
    const Agent = globalDispatcher().constructor as new (options: object) => Dispatcher;
    // One of an application, which may be for a proxy or for tests, is nothing to make another of.
    if (Agent.name !== 'Agent') throw unsupported(`its dispatcher is a ${Agent.name}`);
    this.#agent = new Agent({ connect: { socketPath: credentials.socketPath } });
  }

  dispatch(options: DispatchOptions, handler: unknown): boolean {
    const origin = new URL(String(options.origin));
    if (!isInternalAuthority(origin.host)) return globalDispatcher().dispatch(options, handler);
    requirePlain(origin);
    return this.#agent.dispatch({ ...options, headers: this.#withProof(options.headers) }, handler);
  }

  /** undici takes a list of names and values, an object, or pairs. */
  #withProof(headers: unknown): string[] | Record<string, unknown> {
    if (!Array.isArray(headers) && !isIterable(headers)) {
      const given = (headers ?? {}) as Record<string, unknown>;
      return { ...given, ...this.#credentials.fields(given['portico-hops']) };
    }
    const flat: string[] = [...headers].flat();
    let hops: unknown;
    for (let i = 0; i + 1 < flat.length; i += 2)
      if (flat[i]?.toLowerCase() === 'portico-hops') [, hops] = flat.splice(i, 2);
    return [...flat, ...Object.entries(this.#credentials.fields(hops)).flat()];
  }
}

/** Throws `PORTICO_CALL_SCHEME` for https: nothing of a call leaves the host. */
export function requirePlain({ protocol, hostname }: URL): void {
  if (protocol === 'http:') return;
  throw new PorticoError(
    'PORTICO_CALL_SCHEME',
    `An application is called by http://${hostname}/, not by ${protocol}//: the call does not leave the host.`,
  );
}

/** The dispatcher of everything that has none of its own. Throws `PORTICO_CALL_UNSUPPORTED`. */
function globalDispatcher(): Dispatcher {
  // Node loads what fetch is made of when one of its names is looked at.
  void globalThis.Headers;
  const symbol = Object.getOwnPropertySymbols(globalThis).find(({ description }) =>
    description?.startsWith('undici.globalDispatcher.'),
  );
  const found: unknown = symbol === undefined ? undefined : Reflect.get(globalThis, symbol);
  if (isDispatcher(found)) return found;
  throw unsupported('it has no dispatcher');
}

function isDispatcher(value: unknown): value is Dispatcher {
  return (
    typeof value === 'object' && value !== null && 'dispatch' in value && typeof value.dispatch === 'function'
  );
}

function isIterable(value: unknown): value is Iterable<string | string[]> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

function unsupported(why: string): PorticoError {
  return new PorticoError(
    'PORTICO_CALL_UNSUPPORTED',
    `fetch of Node ${process.version} cannot be led to another application: ${why}. Use node:http for calls.`,
  );
}
