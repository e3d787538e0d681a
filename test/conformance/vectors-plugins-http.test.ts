import { afterEach, describe, expect, it } from '@jest/globals';
import {
  type Application,
  type ApplicationCall,
  ApplicationCallPipeline,
  ApplicationSendPipeline,
  BadRequestError,
  CallSetup,
  createRouteScopedPlugin,
  MissingRequestParameterError,
  NoContent,
  NotFoundError,
  OutgoingContent,
  PayloadTooLargeError,
  ReceiveType,
  type Route,
  type RouteScopedPlugin,
  routing,
  StreamContent,
  UnsupportedMediaTypeError,
} from 'portico';
import { BodyLimit } from 'portico/plugins/body-limit';
import { CallId, callId } from 'portico/plugins/call-id';
import { CSRF } from 'portico/plugins/csrf';
import { DefaultHeaders } from 'portico/plugins/default-headers';
import { XForwardedHeaders } from 'portico/plugins/forwarded-headers';
import { HSTS } from 'portico/plugins/hsts';
import { HttpsRedirect } from 'portico/plugins/https-redirect';
import { MethodOverride } from 'portico/plugins/method-override';
import { RateLimit, rateLimit } from 'portico/plugins/rate-limit';
import { RequestValidation, RequestValidationError } from 'portico/plugins/request-validation';
import { StatusPages } from 'portico/plugins/status-pages';
import { type TestApplicationEngine, testApplication } from 'portico/testing';
import { statusText } from '#host/http/status-text.js';
import { readVectors } from '#test/support/vectors.js';

// biome-ignore lint/suspicious/noExplicitAny: options differ by plugin; the file is data
type Options = any;
interface PluginUse {
  readonly name: string;
  readonly at: string;
  readonly options: Options;
}
interface Step {
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string | readonly string[]>>;
    readonly body?: string;
    readonly bodyBytes?: number;
    readonly chunked?: boolean;
  };
  readonly expect: {
    readonly status?: number;
    readonly body?: string;
    readonly headers?: Readonly<Record<string, string | null>>;
    readonly headersAll?: Readonly<Record<string, readonly string[]>>;
    readonly headersPresent?: readonly string[];
  };
  readonly repeat?: number;
  readonly advanceClockMs?: number;
}
interface PluginCase {
  readonly name: string;
  readonly plugins: readonly PluginUse[];
  readonly routes: readonly Options[];
  readonly steps?: readonly Step[];
  readonly startError?: { readonly messageAbout: string };
}

const { cases } = readVectors<{ cases: readonly PluginCase[] }>('plugins-http');
interface Skip {
  readonly plugins?: readonly string[];
  readonly cases?: readonly string[];
}
const skip = readVectors<Record<string, Skip>>('skips')['plugins-http'];
const leftOut = new Set([
  ...(skip?.plugins ?? []),
  ...(skip?.cases ?? []).map((one) => one.slice('cases '.length)),
]);
const run = cases.filter(
  ({ name: title, plugins }) => !leftOut.has(title) && !plugins.some(({ name }) => leftOut.has(name)),
);

class ValidationException extends Error {
  readonly code: string;

  constructor(code: string) {
    super('validation');
    this.code = code;
  }
}
class IllegalState extends Error {
  override readonly name = 'IllegalState';
}

// biome-ignore lint/suspicious/noExplicitAny: constructors of any signature are meant
const ERRORS: Readonly<Record<string, new (...args: any[]) => Error>> = {
  RequestValidation: RequestValidationError,
  Error,
  RangeError,
  TypeError,
  IllegalState,
  ValidationException,
};

function thrown(kind: string, message = 'message', fields: Options = {}): Error {
  if (kind === 'MissingRequestParameter') return new MissingRequestParameterError('x');
  if (kind === 'NotFound') return new NotFoundError();
  if (kind === 'UnsupportedMediaType' || kind === 'CannotTransformContentToType')
    return new UnsupportedMediaTypeError(message);
  if (kind === 'PayloadTooLarge') return new PayloadTooLargeError(1);
  if (kind === 'BadRequest') return new BadRequestError(message);
  if (kind === 'ValidationException') return new ValidationException(fields.code);
  const Class = ERRORS[kind];
  if (Class === undefined) throw new Error(`no error ${kind}`);
  return new Class(message);
}

function fill(template: string, values: Readonly<Record<string, unknown>>): string {
  return template.replace(/\$\{([^}]*)\}/g, (_, name: string) => String(values[name] ?? null));
}

/** Sets a header before anything else happens; a plugin of the vectors. */
const SetHeaderOnCallSetup: RouteScopedPlugin<{ values: Record<string, string> }, void> =
  createRouteScopedPlugin('SetHeaderOnCallSetup', {
    createConfig: () => ({ values: {} as Record<string, string> }),
    install: (plugin) =>
      plugin.on(CallSetup, (call) => {
        for (const [name, value] of Object.entries(plugin.config.values)) call.response.header(name, value);
      }),
  });

class Clock {
  nowMs = 1_000_000;
}

function installPlugin(application: Application, target: Route | undefined, use: PluginUse, clock: Clock) {
  const { name, options } = use;
  const at = (target ?? application) as Application;
  if (options.clockStartMs !== undefined) clock.nowMs = options.clockStartMs;
  switch (name) {
    case 'XForwardedHeaders':
      application.install(XForwardedHeaders);
      break;
    case 'XHttpMethodOverride':
      application.install(MethodOverride);
      break;
    case 'SetHeaderOnCallSetup':
      at.install(SetHeaderOnCallSetup, (config) => {
        config.values = options;
      });
      break;
    case 'HSTS':
      at.install(HSTS, (config) => {
        config.maxAgeSeconds = options.maxAgeInSeconds;
        config.includeSubDomains = options.includeSubDomains;
        config.preload = options.preload;
        config.customDirectives = Object.fromEntries(
          Object.entries(options.customDirectives).map(([key, value]) => [
            key,
            (value ?? undefined) as string,
          ]),
        );
        if (options.filter !== undefined)
          config.filter = ({ request: { origin } }) =>
            origin.scheme === options.filter.scheme && origin.serverPort === options.filter.serverPort;
      });
      break;
    case 'HttpsRedirect':
      at.install(HttpsRedirect, (config) => {
        if (options.sslPort !== undefined) config.sslPort = options.sslPort;
        for (const prefix of options.excludePrefix ?? []) config.excludePrefix(prefix);
        for (const suffix of options.excludeSuffix ?? []) config.excludeSuffix(suffix);
      });
      break;
    case 'CallId':
      application.install(CallId, (config) => {
        if (options.retrieve === 'uri') {
          config.verify = () => true;
          config.retrieve((call) => call.request.uri);
        }
        const { generateByUri } = options;
        if (generateByUri !== undefined)
          config.generate((call) => generateByUri[call.request.uri] ?? generateByUri['*']);
      });
      break;
    case 'CSRF':
      at.install(CSRF, (config) => {
        config.originMatchesHost = options.originMatchesHost === true;
        for (const origin of options.allowOrigin ?? []) config.allowOrigin(origin);
        for (const [header, { equals }] of Object.entries<Options>(options.checkHeader ?? {}))
          config.checkHeader(header, (value) => value === equals);
        const { respond } = options.onFailure ?? {};
        config.onFailure((call) =>
          respond === undefined ? undefined : call.respondText(respond.text, undefined, respond.status),
        );
      });
      break;
    case 'DefaultHeaders':
      at.install(DefaultHeaders, (config) => {
        config.now = () => clock.nowMs;
        for (const [key, value] of Object.entries(options.headers ?? {})) config.header(key, String(value));
      });
      break;
    case 'RequestBodyLimit':
      at.install(BodyLimit, (config) => {
        config.limitBytes = (call) => {
          if (options.limit !== undefined) return options.limit;
          const limits = options.limitByUriSuffix as Record<string, number | null>;
          return limits[call.request.uri.slice(-1)] ?? limits['*'] ?? undefined;
        };
      });
      break;
    case 'RateLimit':
      application.install(RateLimit, (config) => {
        config.now = () => clock.nowMs;
        if (options.global !== undefined) config.global(limitOf(options.global));
        for (const [key, limit] of Object.entries(options.register ?? {})) {
          if (key === 'default') config.register(limitOf(limit));
          else config.register(key, limitOf(limit));
        }
      });
      break;
    case 'RequestValidation':
      at.install(RequestValidation, (config) => {
        for (const { mustStartWith: start, mustEndWith: end } of options.validators)
          config.validate(ReceiveType.TEXT, (text) => {
            if (start !== undefined && !text.startsWith(start)) return `${text} should start with "${start}"`;
            return end === undefined || text.endsWith(end) ? undefined : `${text} should end with "${end}"`;
          });
      });
      break;
    case 'StatusPages':
      application.install(StatusPages, (config) => {
        for (const [code, action] of Object.entries<Options>(options.status ?? {}))
          config.status(Number(code), (call, status) => {
            if (action.throw !== undefined) throw thrown(action.throw);
            const text = fill(action.respondTemplate, { status, statusText: statusText(status) });
            return call.respondText(text, undefined, action.keepStatus ? status : undefined);
          });
        for (const [kind, action] of Object.entries<Options>(options.exception ?? {}))
          config.exception(ERRORS[kind] as new () => Error, (call, error) => {
            if (action.throw !== undefined) throw thrown(action.throw);
            if (action.respondStatus !== undefined) return call.respondStatus(action.respondStatus);
            const text = fill(action.respondTemplate, {
              'error.name': error.name,
              'error.code': (error as { code?: string }).code,
              'error.value': (error as { value?: unknown }).value,
              'error.reasons:, ': (error as { reasons?: readonly string[] }).reasons?.join(', '),
            });
            return call.respondText(text, undefined, action.status);
          });
      });
      break;
    default:
      throw new Error(`no plugin ${name}`);
  }
}

function limitOf({ limit, refillMs, keyFromQuery, weightFromQuery }: Options) {
  return {
    limit,
    refillPeriodMs: refillMs,
    requestKey: (call: ApplicationCall) => call.request.queryParameters.get(keyFromQuery ?? 'none'),
    requestWeight: (call: ApplicationCall) => Number(call.request.queryParameters.get(weightFromQuery) ?? 1),
  };
}

async function answer(call: ApplicationCall, route: Options): Promise<void> {
  if (route.throw !== undefined) throw thrown(route.throw, route.message, route.fields);
  if (route.receiveBytes) await call.receiveBytes();
  if (route.receiveStream) await call.receiveStream();
  const body = route.receiveText ? await call.receiveText() : undefined;
  const { text, status, template, contentStatus, stream, object } = route.respond ?? {};
  if (template !== undefined) {
    const values = { 'origin.method': call.method, callId: callId(call), body };
    await call.respondText(fill(template, values));
  } else if (stream !== undefined)
    await call.respond(new StreamContent(unread(stream), { status: contentStatus }));
  else if (object !== undefined) await call.respond({ object });
  else if (text === undefined) await call.respondStatus(status);
  else await call.respondText(text, undefined, status);
}

async function* unread(message: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(message);
  throw new Error(message);
}

function addRoute(application: Application, root: Route, route: Options): void {
  if (route.interceptor !== undefined) {
    const phase = ApplicationCallPipeline[route.interceptor as 'Call' | 'Fallback'];
    application.intercept(phase, ({ call }) => answer(call, route));
    return;
  }
  const { transformTo } = route.respond ?? {};
  if (transformTo !== undefined)
    application.sendPipeline.intercept(ApplicationSendPipeline.Transform, (execution, subject) => {
      if (!(subject instanceof OutgoingContent)) execution.subject = new NoContent(transformTo);
    });
  let at = root;
  for (const name of route.rateLimit ?? []) {
    const outer = at;
    const nested = (inner: Route): void => {
      at = inner;
    };
    if (name === 'default') rateLimit(outer, nested);
    else rateLimit(outer, name, nested);
  }
  const own = at.route(route.path) as unknown as Route;
  (route.method === '*' ? own : own.method(route.method)).handle((call) => answer(call, route));
}

function start(one: PluginCase, clock: Clock): Promise<TestApplicationEngine> {
  return testApplication((application) => {
    const root = routing(application) as unknown as Route;
    for (const use of one.plugins) {
      const target = use.at === 'application' ? undefined : (root.route(use.at) as unknown as Route);
      installPlugin(application, target, use, clock);
    }
    for (const route of one.routes) addRoute(application, root, route);
  });
}

function bodyOf({ body, bodyBytes, chunked }: Step['request']) {
  if (bodyBytes === undefined) return body === undefined ? {} : { body };
  const bytes = Buffer.alloc(bodyBytes, 'x');
  return { body: chunked === true ? inPieces(bytes) : bytes };
}

async function* inPieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7);
}

describe('plugins-http', () => {
  let application: TestApplicationEngine | undefined;
  afterEach(async () => {
    await application?.stop();
    application = undefined;
  });

  it.each(run.filter(({ startError }) => startError === undefined))('$plugins.0.name: $name', async (one) => {
    const clock = new Clock();
    application = await start(one, clock);
    for (const { request, expect: wanted, repeat = 1, advanceClockMs = 0 } of one.steps ?? []) {
      clock.nowMs += advanceClockMs;
      for (let i = 0; i < repeat; i++) {
        const { method, path, headers } = request;
        const response = await application.client.request(method, path, { headers, ...bodyOf(request) });
        if (wanted.status !== undefined) expect([path, response.status]).toEqual([path, wanted.status]);
        if (wanted.body !== undefined) expect(await response.text()).toBe(wanted.body);
        for (const [name, value] of Object.entries(wanted.headers ?? {}))
          expect([name, response.header(name) ?? null]).toEqual([name, value]);
        for (const [name, values] of Object.entries(wanted.headersAll ?? {}))
          expect([name, response.headerAll(name)]).toEqual([name, values]);
        for (const name of wanted.headersPresent ?? []) expect(response.header(name)).toBeDefined();
      }
    }
  });

  it.each(run.filter(({ startError }) => startError !== undefined))('$name', async (one) => {
    await expect(start(one, new Clock())).rejects.toMatchObject({
      code: 'PORTICO_RATE_LIMIT',
      message: expect.stringContaining(one.startError?.messageAbout ?? ''),
    });
  });
});
