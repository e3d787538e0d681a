import type { ApplicationCall } from '../application/application-call.js';
import { checkHeader } from '../application/header-check.js';
import { PorticoError } from '../errors.js';
import { createRouteScopedPlugin, type RouteScopedPlugin } from '../plugin/create-plugin.js';
import { askedHost, originOf } from './csrf/page-origin.js';

type Awaitable<T> = T | Promise<T>;

/** What a call must show. With nothing configured, only origins on this machine are allowed. */
export class CSRFConfig {
  /**
   * Calls must come from the host they go to. For applications that do not know their own name; behind a proxy the
   * plugin `ForwardedHeaders` must tell the name that the client used. Default false.
   */
  originMatchesHost = false;
  readonly #origins = new Set<string>();
  readonly #headers: HeaderCheck[] = [];
  #onFailure: FailureHandler | undefined;

  /**
   * Allows pages of an origin: `https://shop.example`, with a port that is not that of the scheme. Scheme, host and port
   * are compared. Not an origin: `PORTICO_CSRF_ORIGIN`.
   */
  allowOrigin(origin: string): void {
    const parsed = originOf(origin);
    if (parsed === undefined || !/^https?:\/\/[^/]+\/?$/i.test(origin))
      throw new PorticoError(
        'PORTICO_CSRF_ORIGIN',
        `${JSON.stringify(origin)} is no origin. Write scheme and host: https://shop.example.`,
      );
    this.#origins.add(parsed.origin);
  }

  /** Wants a header, which forms of other sites cannot send; with `isGood` also a value. Several must all be right. */
  checkHeader(name: string, isGood?: (value: string, call: ApplicationCall) => Awaitable<boolean>): void {
    checkHeader(name, '');
    this.#headers.push({ name, isGood });
  }

  /** Is called with what was wrong, and MAY answer; otherwise the answer is 400. */
  onFailure(handler: FailureHandler): void {
    this.#onFailure = handler;
  }

  get origins(): ReadonlySet<string> {
    return this.#origins;
  }

  get headers(): readonly HeaderCheck[] {
    return this.#headers;
  }

  get failureHandler(): FailureHandler | undefined {
    return this.#onFailure;
  }
}

type FailureHandler = (call: ApplicationCall, message: string) => unknown;

interface HeaderCheck {
  readonly name: string;
  readonly isGood: ((value: string, call: ApplicationCall) => Awaitable<boolean>) | undefined;
}

/** Methods that change nothing (RFC 9110 §9.2.1) and that browsers send for other sites. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);
const LOCAL_HOSTS = new Set(['localhost', '127.0.0.1', '0.0.0.0', '[::1]']);

/**
 * Plugin: refuses calls that pages of other sites make in the name of a user who has logged in here. Methods that change
 * nothing pass. Browsers send `Origin` with all others; where it is missing, `Referer` counts.
 *
 * ```ts
 * application.install(CSRF, (config) => {
 *   config.allowOrigin('https://shop.example');
 *   config.checkHeader('X-CSRF');
 * });
 * ```
 */
export const CSRF: RouteScopedPlugin<CSRFConfig, void> = createRouteScopedPlugin('CSRF', {
  createConfig: () => new CSRFConfig(),
  install(plugin) {
    const { config } = plugin;
    const { originMatchesHost, origins, headers, failureHandler } = config;
    const isEmpty = !originMatchesHost && origins.size === 0 && headers.length === 0;
    if (isEmpty)
      plugin.application.log.info('CSRF configuration is empty; defaulting to allow only local origins');
    const checks: Check[] = [
      ...(originMatchesHost ? [checkHost] : []),
      ...(origins.size > 0 ? [checkOrigin(({ origin }) => origins.has(origin))] : []),
      ...(isEmpty ? [checkOrigin(({ hostname }) => LOCAL_HOSTS.has(hostname))] : []),
      ...headers.map(checkOf),
    ];
    const refuseOrPass = async (call: ApplicationCall): Promise<void> => {
      for (const check of checks) {
        const message = await check(call);
        if (message === undefined) continue;
        await failureHandler?.(call, message);
        if (!call.isHandled)
          await call.respondText(`Cross-site request validation failed; ${message}`, undefined, 400);
        return;
      }
    };
    // The method as it was sent counts as well: one that was overridden must not get around the checks.
    const isSafe = ({ method, request }: ApplicationCall): boolean =>
      SAFE.has(method) && SAFE.has(request.method);
    plugin.onCall((call) => (call.isHandled || isSafe(call) ? undefined : refuseOrPass(call)));
  },
});

/** Gives what is wrong with a call. */
type Check = (call: ApplicationCall) => Awaitable<string | undefined>;

function checkOf({ name, isGood }: HeaderCheck): Check {
  return async (call) => {
    const [value, second] = call.request.headers.getAll(name);
    if (value === undefined) return `missing "${name}" header`;
    const isRight = second === undefined && (isGood === undefined || (await isGood(value, call)));
    return isRight ? undefined : `unexpected "${name}" header value [${value}]`;
  };
}

function checkOrigin(isAllowed: (origin: URL) => boolean): Check {
  return (call) => {
    const { name, text, origin } = sourceOf(call);
    if (text === undefined) return 'missing "Origin" header';
    if (origin !== undefined && isAllowed(origin)) return undefined;
    return `unexpected "${name}" header value [${origin?.origin ?? text}]`;
  };
}

const checkHost: Check = (call) => {
  const { name, text, origin } = sourceOf(call);
  if (text === undefined) return 'missing "Origin" header';
  if (origin === undefined) return `unexpected "${name}" header value [${text}]`;
  const host = askedHost(call, origin);
  if (origin.host === host) return undefined;
  return `expected "${name}" [${origin.host}] host to match "Host" [${host}] header value`;
};

interface Source {
  readonly name: 'Origin' | 'Referer';
  readonly text: string | undefined;
  /** Undefined for what is no origin, such as `null`. */
  readonly origin: URL | undefined;
}

/** Where a call comes from. Two fields of one name are nobody's honest request. */
function sourceOf({ request }: ApplicationCall): Source {
  const name = request.header('Origin') === undefined ? 'Referer' : 'Origin';
  const [text, second] = request.headers.getAll(name);
  const origin = text === undefined || second !== undefined ? undefined : originOf(text);
  return { name, text, origin };
}
