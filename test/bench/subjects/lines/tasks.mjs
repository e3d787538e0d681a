// The work of `plugins.mjs` for frameworks that have other plugins or none: twenty small functions, each a hook or
// middleware of its own, which do for a plain GET no more than what the plugin must do and send the same headers. This
// is less than what published middleware does, so the comparison favours the others.
//
// request, 14 (before the handler): call id, begin of log line, active calls, Forwarded, X-Forwarded-*, method
//   override, HEAD, https, HSTS, CORS, CSRF, body limit, rate limit, session cookie
// sending, 4 (when there is a content): compression, caching, ranges, default headers
// sent, 2: log line, latency histogram
// Status pages and conditions of the request cost the others nothing on this way: "active calls" and "log line" count
// for two.
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomInt } from 'node:crypto';
import { Gauge, Histogram, Registry } from 'prom-client';

const DICTIONARY = 'abcdefghijklmnopqrstuvwxyz0123456789+/=-';
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);
const LIMIT = 1e12;
const PERIOD_MS = 60_000;

const storage = new AsyncLocalStorage();

/** The line `facts`: runs `next`, and all that follows from it, with a fact of the call at hand for the log. */
export function withFacts(next) {
  return storage.run(new Map([['callId', randomText(20)]]), next);
}

/**
 * `header(request, lowerName)`, `method(request)` and `set(response, name, value)` are those of the framework. Tasks get
 * (request, response, state); `state` is an object of this call, empty at first.
 */
export function makeTasks({ header, method, set }) {
  const registers = [new Registry()];
  const active = new Gauge({ name: 'active', help: 'Calls that are running.', registers });
  const seconds = new Histogram({
    name: 'seconds',
    help: 'Time of calls.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  let left = LIMIT;
  let refillAtMs = Date.now() + PERIOD_MS;
  let dateMs = 0;
  let date = '';
  const refuse = () => {
    throw new Error('This request is to be refused.');
  };

  const request = [
    (req, res, state) => {
      state.id = header(req, 'x-request-id') ?? randomText(20);
      set(res, 'X-Request-Id', state.id);
    },
    (_req, _res, state) => {
      state.begin = performance.now();
    },
    () => active.inc(),
    (req, _res, state) => {
      state.forwarded = header(req, 'forwarded');
    },
    (req, _res, state) => {
      state.client =
        header(req, 'x-forwarded-for') ?? header(req, 'x-forwarded-host') ?? header(req, 'x-forwarded-proto');
    },
    (req, _res, state) => {
      state.method = header(req, 'x-http-method-override') ?? method(req);
    },
    (_req, _res, state) => {
      if (state.method === 'HEAD') state.method = 'GET';
    },
    (req) => {
      if (header(req, 'x-forwarded-proto') === 'http') refuse();
    },
    (_req, res) => set(res, 'Strict-Transport-Security', 'max-age=31536000; includeSubDomains'),
    (req) => {
      const origin = header(req, 'origin');
      if (origin !== undefined && origin !== 'https://shop.example') refuse();
    },
    (_req, _res, state) => {
      if (!SAFE.has(state.method)) refuse();
    },
    (req) => {
      if (Number(header(req, 'content-length') ?? 0) > 64 * 1024) refuse();
    },
    (_req, res) => {
      const now = Date.now();
      if (now >= refillAtMs) {
        left = LIMIT;
        refillAtMs = now + PERIOD_MS;
      }
      left--;
      set(res, 'X-RateLimit-Limit', String(LIMIT));
      set(res, 'X-RateLimit-Remaining', String(left));
      set(res, 'X-RateLimit-Reset', String(Math.ceil(refillAtMs / 1000)));
    },
    (req, _res, state) => {
      state.session = /(?:^|; )cart=([^;]*)/.exec(header(req, 'cookie') ?? '')?.[1];
    },
  ];
  const sending = [
    (req, _res, state) => {
      state.coding = /\b(?:gzip|br)\b/.exec(header(req, 'accept-encoding') ?? '')?.[0];
    },
    (_req, res) => set(res, 'Cache-Control', 'max-age=60'),
    (req, res) => {
      set(res, 'Accept-Ranges', 'bytes');
      if (header(req, 'range') !== undefined) refuse();
    },
    (_req, res) => {
      const now = Date.now();
      if (now >= dateMs + 1000) {
        dateMs = now;
        date = new Date(now).toUTCString();
      }
      set(res, 'Date', date);
      set(res, 'Server', 'Others/1.0');
      set(res, 'X-Frame-Options', 'DENY');
    },
  ];
  const sent = [
    (req, _res, state) => {
      state.line = `200 OK: ${method(req)} - / in ${Math.round(performance.now() - state.begin)}ms`;
    },
    (req, _res, state) => {
      active.dec();
      seconds.observe(
        { method: method(req), route: '/', status: '200' },
        (performance.now() - state.begin) / 1000,
      );
    },
  ];
  return { request, sending, sent };
}

function randomText(length) {
  let text = '';
  for (let i = 0; i < length; i++) text += DICTIONARY[randomInt(DICTIONARY.length)];
  return text;
}
