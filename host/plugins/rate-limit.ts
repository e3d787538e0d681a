import type { ApplicationCall } from '../application/application-call.js';
import { ApplicationCallPipeline } from '../application/call-pipelines.js';
import { PorticoError } from '../errors.js';
import { AttributeKey } from '../pipeline/attributes.js';
import { isPromiseLike } from '../pipeline/pipeline-context.js';
import { type ApplicationPlugin, createApplicationPlugin } from '../plugin/create-plugin.js';
import { TransparentSelector } from '../routing/request-selectors.js';
import { type Configure, configureRoute, type Route } from '../routing/route.js';
import type { RateLimiter } from './rate-limit/limiter.js';
import { RateLimiters } from './rate-limit/limiters.js';

/** One rate limit. */
export interface RateLimitSettings {
  /** Requests, or sum of their weights, in a period. */
  readonly limit: number;
  readonly refillPeriodMs: number;
  /**
   * Requests of one key share a limit; a text or a number, for objects are equal to nothing but themselves. A promise
   * is waited for. Default: all requests. By client: `call.request.origin.remoteAddress`.
   */
  readonly requestKey?: (call: ApplicationCall) => unknown;
  /** How much a request counts. Default 1. */
  readonly requestWeight?: (call: ApplicationCall) => number;
  /** Keys that are remembered at a time; the oldest is forgotten for a new one. Default 100,000. */
  readonly maxKeys?: number;
  /** Tells the client. Default: the headers X-RateLimit-Limit, -Remaining and -Reset, and Retry-After with 429. */
  readonly modifyResponse?: (call: ApplicationCall, state: RateLimitState) => void;
}

/** Where a client stands after a request. */
export interface RateLimitState {
  readonly isExceeded: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** When the limit is filled up again, in milliseconds since the epoch. */
  readonly refillAtMs: number;
  readonly nowMs: number;
}

/** Name of the limit that has none. */
const DEFAULT = '<default>';

/** The limits of an application. */
export class RateLimitConfig {
  /** Milliseconds since the epoch. */
  now: () => number = Date.now;
  readonly limits = new Map<string, RateLimitSettings>();
  globalLimit: RateLimitSettings | undefined;

  /** A limit for routes that ask for it by `rateLimit`. Without a name it is their default. */
  register(settings: RateLimitSettings): void;
  register(name: string, settings: RateLimitSettings): void;
  register(first: string | RateLimitSettings, second?: RateLimitSettings): void {
    const [name, settings] = typeof first === 'string' ? [first, second] : [DEFAULT, first];
    if (settings === undefined) return;
    if (this.limits.has(name))
      throw misconfigured(`Rate limit provider with name ${name} is already configured`);
    this.limits.set(name, checked(settings));
  }

  /** A limit for all calls of the application. */
  global(settings: RateLimitSettings): void {
    this.globalLimit = checked(settings);
  }
}

/** The limits of an application at work. */
class RateLimits {
  readonly #limits = new Map<string, Limit>();
  readonly #now: () => number;

  constructor({ limits, now }: RateLimitConfig) {
    this.#now = now;
    for (const [name, settings] of limits) this.#limits.set(name, new Limit(name, settings, now));
  }

  /** `PORTICO_RATE_LIMIT` when there is no limit of this name. */
  limit(name: string): Limit {
    const limit = this.#limits.get(name);
    if (limit === undefined) throw misconfigured(`Rate limit provider with name ${name} is not configured`);
    return limit;
  }

  ofAll(settings: RateLimitSettings): Limit {
    return new Limit('<global>', settings, this.#now);
  }
}

/**
 * Plugin: limits how often clients may ask; beyond it they get 429.
 *
 * ```ts
 * application.install(RateLimit, (config) => {
 *   config.register('login', {
 *     limit: 5,
 *     refillPeriodMs: 60_000,
 *     requestKey: (call) => call.request.origin.remoteAddress,
 *   });
 * });
 * routing(application, (r) => rateLimit(r, 'login', (r) => r.post('/login', login)));
 * ```
 *
 * Limits that contain each other count each; one that contains itself counts once.
 */
export const RateLimit: ApplicationPlugin<RateLimitConfig, RateLimits> = createApplicationPlugin(
  'RateLimit',
  {
    createConfig: () => new RateLimitConfig(),
    install(plugin) {
      const { config } = plugin;
      if (config.limits.size === 0 && config.globalLimit === undefined)
        throw misconfigured('At least one provider must be specified');
      const limits = new RateLimits(config);
      if (config.globalLimit !== undefined) {
        const limit = limits.ofAll(config.globalLimit);
        plugin.onCallValidators((call) => limit.check(call));
      }
      return limits;
    },
  },
);

/** Limits the routes that `configure` adds by the limit of this name, or by the default one. */
export function rateLimit<P>(route: Route<P>, configure: Configure<P>): void;
export function rateLimit<P>(route: Route<P>, name: string, configure: Configure<P>): void;
export function rateLimit<P>(
  route: Route<P>,
  ...given: readonly [Configure<P>] | readonly [string, Configure<P>]
): void {
  const [name, configure] = given.length === 1 ? [DEFAULT, given[0]] : given;
  const limit = route.root.application.plugin(RateLimit).limit(name);
  const inner = route.createChild(new TransparentSelector(`rateLimit ${name}`));
  inner.intercept(ApplicationCallPipeline.Validators, (run) =>
    run.call.isHandled ? undefined : limit.check(run.call),
  );
  configureRoute(inner as unknown as Route<P>, configure);
}

/** Names of the limits a call was counted by. */
const COUNTED = new AttributeKey<Set<string>>('RateLimit.counted');

class Limit {
  readonly #name: string;
  readonly #settings: RateLimitSettings;
  readonly #now: () => number;
  readonly #limiters: RateLimiters;

  constructor(name: string, settings: RateLimitSettings, now: () => number) {
    this.#name = name;
    this.#settings = settings;
    this.#now = now;
    this.#limiters = new RateLimiters(settings.limit, settings.refillPeriodMs, settings.maxKeys ?? 100_000);
  }

  /** Counts a call; answers it when it is one too many. */
  check(call: ApplicationCall): void | Promise<void> {
    const counted = call.attributes.computeIfAbsent(COUNTED, () => new Set<string>());
    if (counted.has(this.#name)) return;
    counted.add(this.#name);
    const key = this.#settings.requestKey?.(call);
    if (isPromiseLike(key)) return Promise.resolve(key).then((found) => this.#count(call, found));
    return this.#count(call, key);
  }

  #count(call: ApplicationCall, key: unknown): void | Promise<void> {
    const { requestWeight, modifyResponse = tellClient } = this.#settings;
    const weight = requestWeight?.(call) ?? 1;
    if (!(weight >= 0)) throw misconfigured(`The weight of a request is ${weight}, but must be 0 or more`);
    const nowMs = this.#now();
    const limiter = this.#limiters.of(key, nowMs);
    const isExceeded = !limiter.take(weight, nowMs);
    modifyResponse(call, stateOf(limiter, isExceeded, nowMs));
    if (isExceeded) return call.respondStatus(429);
  }
}

function stateOf(limiter: RateLimiter, isExceeded: boolean, nowMs: number): RateLimitState {
  const { limit, left, refillAtMs } = limiter;
  return { isExceeded, limit, remaining: left, refillAtMs, nowMs };
}

function tellClient({ response: { headers } }: ApplicationCall, state: RateLimitState): void {
  if (state.isExceeded) {
    // RFC 9110 §10.2.3: whole seconds.
    headers.set('Retry-After', String(Math.ceil((state.refillAtMs - state.nowMs) / 1000)));
    return;
  }
  headers.set('X-RateLimit-Limit', String(state.limit));
  headers.set('X-RateLimit-Remaining', String(state.remaining));
  headers.set('X-RateLimit-Reset', String(Math.ceil(state.refillAtMs / 1000)));
}

function checked(settings: RateLimitSettings): RateLimitSettings {
  for (const name of ['limit', 'refillPeriodMs'] as const)
    if (!(settings[name] > 0))
      throw misconfigured(`${name} of a rate limit is ${settings[name]}, but must be above 0`);
  return settings;
}

function misconfigured(message: string): PorticoError {
  return new PorticoError('PORTICO_RATE_LIMIT', `${message}. Look at the configuration of RateLimit.`);
}
