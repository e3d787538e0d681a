import type { ApplicationCall } from '../application/application-call.js';
import { addVary } from '../application/content-facts.js';
import { isToken } from '../http/byte-classes.js';
import { MediaType } from '../http/media-type.js';
import { checkNumber, invalidOption } from '../plugin/check-option.js';
import { createRouteScopedPlugin, type RouteScopedPlugin } from '../plugin/create-plugin.js';
import { type AllowedHostOptions, AllowedOrigins } from './cors/allowed-origins.js';
import { isValidOrigin, normalizeOrigin } from './cors/origin.js';

export type { AllowedHostOptions } from './cors/allowed-origins.js';

// Fetch standard, "CORS-safelisted": what a page may send anywhere without asking.
const SIMPLE_METHODS = ['GET', 'HEAD', 'POST'];
const SIMPLE_HEADERS = ['accept', 'accept-language', 'content-language'];
const SIMPLE_CONTENT_TYPES = ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain'];

/** Who may ask for what. Nothing but the origin of the application itself is allowed at first. */
export class CorsConfig {
  /** Cookies and authorization may come along. Default false. */
  allowCredentials = false;
  /** The origin of the request itself needs no permission. Default true. */
  allowSameOrigin = true;
  /** Bodies of any content type, JSON above all. Default false. */
  allowNonSimpleContentTypes = false;
  /** How long a browser may remember a permission. Default one day. */
  maxAgeSeconds = 24 * 60 * 60;
  /** For the plugin. */
  readonly origins = new AllowedOrigins();
  readonly methods = new Set<string>(SIMPLE_METHODS);
  /** In the case they were given in. */
  readonly headers = new Set<string>();
  readonly headerPredicates: ((lowerName: string) => boolean)[] = [];
  readonly exposedHeaders = new Set<string>();

  /** Every origin. */
  anyHost(): void {
    this.origins.isAny = true;
  }

  /** `shop.example`, `shop.example:8443`, `*.shop.example` or `*`. `PORTICO_CORS_HOST` for a wildcard elsewhere. */
  allowHost(host: string, options: AllowedHostOptions = {}): void {
    this.origins.addHost(host, options);
  }

  /** Origins, such as `https://shop.example`, that `isAllowed` takes. */
  allowOrigins(isAllowed: (origin: string) => boolean): void {
    this.origins.addPredicate(isAllowed);
  }

  /** Besides GET, HEAD and POST. */
  allowMethod(method: string): void {
    checkToken('a method', method);
    this.methods.add(method);
  }

  allowHeader(name: string): void {
    checkToken('a header', name);
    this.headers.add(name);
  }

  allowHeadersPrefixed(prefix: string): void {
    const lower = prefix.toLowerCase();
    this.allowHeaders((name) => name.startsWith(lower));
  }

  /** Headers that `isAllowed` takes; names are in lower case. */
  allowHeaders(isAllowed: (lowerName: string) => boolean): void {
    this.headerPredicates.push(isAllowed);
  }

  /** A header of answers that pages may read. */
  exposeHeader(name: string): void {
    checkToken('an exposed header', name);
    this.exposedHeaders.add(name);
  }
}

/** RFC 9110 §5.6.2: names of methods and headers are tokens. */
function checkToken(what: string, name: unknown): void {
  if (typeof name !== 'string' || !isToken(name))
    throw invalidOption(`CORS: ${what}`, name, 'Write its name.');
}

/**
 * Plugin: lets pages of other origins use the application (Cross-Origin Resource Sharing of the Fetch standard).
 * Answers the browser's questions in advance; refuses what is not allowed with 403.
 *
 * ```ts
 * application.install(CORS, (config) => {
 *   config.allowHost('shop.example', { schemes: ['https'] });
 *   config.allowMethod('PUT');
 *   config.allowNonSimpleContentTypes = true;
 * });
 * ```
 *
 * In a route it also answers the questions about everything below that route.
 */
export const CORS: RouteScopedPlugin<CorsConfig, void> = createRouteScopedPlugin('CORS', {
  createConfig: () => new CorsConfig(),
  install(plugin) {
    checkNumber('CORS: maxAgeSeconds', plugin.config.maxAgeSeconds, 0);
    const rules = new CorsRules(plugin.config);
    plugin.onCallValidators((call) => rules.check(call));
    // Without a route for OPTIONS no question would get into the pipeline of this one.
    plugin.route?.options('{...}', () => undefined);
  },
});

/** A configuration, made ready for the check of calls. */
class CorsRules {
  readonly #config: CorsConfig;
  /** Every origin gets the same answer. */
  readonly #isForAll: boolean;
  readonly #headers: readonly string[];
  readonly #lowerHeaders: ReadonlySet<string>;
  readonly #methods: string;
  readonly #exposed: string;

  constructor(config: CorsConfig) {
    this.#config = config;
    this.#isForAll = config.origins.isAny && !config.allowCredentials;
    this.#headers = [...config.headers, ...(config.allowNonSimpleContentTypes ? ['Content-Type'] : [])];
    this.#lowerHeaders = new Set([...SIMPLE_HEADERS, ...this.#headers.map((name) => name.toLowerCase())]);
    this.#methods = [...config.methods].sort().join(', ');
    this.#exposed = [...config.exposedHeaders].sort().join(', ');
  }

  check(call: ApplicationCall): void | Promise<void> {
    // RFC 9110 §12.5.5: caches must not give an answer to another origin, nor one that was given to none.
    if (!this.#isForAll) addVary(call, 'Origin');
    const [origin, second] = call.request.headers.getAll('Origin');
    if (origin === undefined || second !== undefined || !isValidOrigin(origin)) return;
    const { request } = call;
    const asked = request.method === 'OPTIONS' ? request.header('Access-Control-Request-Method') : undefined;
    const isSame = this.#config.allowSameOrigin && isOriginOf(call, origin);
    if (isSame && asked === undefined) return;
    if (!isSame && !this.#config.origins.includes(origin)) return refuse(call);
    if (!this.#isContentTypeAllowed(call)) return refuse(call);
    if (request.method === 'OPTIONS') return this.#answer(call, origin, asked);
    if (!this.#config.methods.has(request.method)) return refuse(call);
    this.#allow(call, origin);
    if (this.#exposed !== '') call.response.headers.set('Access-Control-Expose-Headers', this.#exposed);
  }

  /** The answer to a preflight request. */
  #answer(call: ApplicationCall, origin: string, method: string | undefined): void | Promise<void> {
    const wanted = (call.request.header('Access-Control-Request-Headers') ?? '')
      .split(',')
      .map((name) => name.trim().toLowerCase())
      .filter((name) => name !== '');
    const { headerPredicates, maxAgeSeconds, methods } = this.#config;
    const special = wanted.filter((name) => headerPredicates.some((isAllowed) => isAllowed(name)));
    const isAllowed = (name: string): boolean => this.#lowerHeaders.has(name) || special.includes(name);
    if (method === undefined || !methods.has(method) || !wanted.every(isAllowed)) return refuse(call);
    this.#allow(call, origin);
    const { headers } = call.response;
    headers.set('Access-Control-Allow-Methods', this.#methods);
    const named = [...new Set([...this.#headers, ...special])].sort().join(', ');
    if (named !== '') headers.set('Access-Control-Allow-Headers', named);
    headers.set('Access-Control-Max-Age', String(maxAgeSeconds));
    return call.respondStatus(200);
  }

  #allow(call: ApplicationCall, origin: string): void {
    const { headers } = call.response;
    headers.set('Access-Control-Allow-Origin', this.#isForAll ? '*' : origin);
    if (this.#config.allowCredentials) headers.set('Access-Control-Allow-Credentials', 'true');
  }

  #isContentTypeAllowed({ request: { contentType } }: ApplicationCall): boolean {
    return (
      this.#config.allowNonSimpleContentTypes ||
      contentType === undefined ||
      SIMPLE_CONTENT_TYPES.includes(MediaType.parseOrUndefined(contentType)?.essence ?? '')
    );
  }
}

function isOriginOf({ request }: ApplicationCall, origin: string): boolean {
  const { scheme, serverHost, serverPort } = request.origin;
  return normalizeOrigin(origin) === `${scheme}://${serverHost}:${serverPort}`;
}

function refuse(call: ApplicationCall): void | Promise<void> {
  return call.respondStatus(403);
}
