import { describe, expect, it } from '@jest/globals';
import { type Application, type Plugin, routing } from 'portico';
import { BodyLimit } from 'portico/plugins/body-limit';
import { CallId } from 'portico/plugins/call-id';
import { CallLogging } from 'portico/plugins/call-logging';
import { Compression } from 'portico/plugins/compression';
import { ContentNegotiation } from 'portico/plugins/content-negotiation';
import { CORS } from 'portico/plugins/cors';
import { DoubleReceive } from 'portico/plugins/double-receive';
import { HSTS } from 'portico/plugins/hsts';
import { HttpsRedirect } from 'portico/plugins/https-redirect';
import { PrometheusMetrics } from 'portico/plugins/metrics';
import { PartialContent } from 'portico/plugins/partial-content';
import { Sessions, sessionKey } from 'portico/plugins/sessions';
import { SSE } from 'portico/plugins/sse';
import { type StaticContentConfig, staticFiles } from 'portico/plugins/static-content';
import { StatusPages } from 'portico/plugins/status-pages';
import { WebSockets } from 'portico/plugins/web-sockets';
import { testApplication } from 'portico/testing';

/** An installation, of whatever a program in JavaScript may write. */
const install =
  <Config>(plugin: Plugin<Application, Config, unknown>, configure: (config: Config) => void) =>
  (application: Application): void =>
    void application.install(plugin, configure);
/** Options by their names. */
const set = <Config extends object>(
  plugin: Plugin<Application, Config, unknown>,
  options: Partial<Config>,
): ((application: Application) => void) => install(plugin, (config) => void Object.assign(config, options));
const files =
  (configure: (config: StaticContentConfig) => void) =>
  (application: Application): void =>
    void routing(application, (r) => staticFiles(r, '/s', '.', configure));
const wrong = 'x' as never;
const missing = undefined as never;

describe('options that mean nothing are refused when the application starts', () => {
  it.each<[string, string, (application: Application) => void]>([
    ['HSTS: maxAgeSeconds is -1', 'OPTION', set(HSTS, { maxAgeSeconds: -1 })],
    ['Strict-Transport-Security', 'HEADER', set(HSTS, { customDirectives: { 'a\n': 'b' } })],
    ['HttpsRedirect: sslPort is "x"', 'OPTION', set(HttpsRedirect, { sslPort: wrong })],
    ['CORS: maxAgeSeconds is NaN', 'OPTION', set(CORS, { maxAgeSeconds: Number.NaN })],
    ['CORS: a method is "g t"', 'OPTION', install(CORS, (c) => c.allowMethod('g t'))],
    ['CORS: a header is "a b"', 'OPTION', install(CORS, (c) => c.allowHeader('a b'))],
    ['CORS: an exposed header', 'OPTION', install(CORS, (c) => c.exposeHeader('a\nb'))],
    ['coding is "x"', 'OPTION', files((c) => c.preCompressed(wrong))],
    ['content: etag is "x"', 'OPTION', files((c) => void Object.assign(c, { etag: 'x' }))],
    ['contentType of static', 'FUNCTION', files((c) => void Object.assign(c, { contentType: 'x' }))],
    ['cacheControl of static', 'FUNCTION', files((c) => void Object.assign(c, { cacheControl: 'x' }))],
    ['DoubleReceive: maxBytes', 'OPTION', set(DoubleReceive, { maxBytes: -1 })],
    ['PartialContent: maxRangeCount', 'OPTION', set(PartialContent, { maxRangeCount: 0 })],
    ['Compression: minimumBytes', 'OPTION', set(Compression, { minimumBytes: wrong })],
    ['Compression: maxDecodedBytes', 'OPTION', set(Compression, { maxDecodedBytes: -1 })],
    ['SSE: heartbeatMs', 'OPTION', set(SSE, { heartbeatMs: 2 ** 31 })],
    ['WebSockets: pingPeriodMs', 'OPTION', set(WebSockets, { pingPeriodMs: 2 ** 31 })],
    ['CallId: length is 0', 'OPTION', install(CallId, (c) => c.generate({ length: 0 }))],
    ['CallId: dictionary is ""', 'OPTION', install(CallId, (c) => c.generate({ dictionary: '' }))],
    ['"a b" is not a header name', 'HEADER', install(CallId, (c) => c.header('a b'))],
    ['A provider of CallId', 'FUNCTION', install(CallId, (c) => c.retrieve(missing))],
    ['CallLogging: level is "x"', 'OPTION', set(CallLogging, { level: wrong })],
    ['The format of CallLogging', 'FUNCTION', set(CallLogging, { format: wrong })],
    ['A filter of CallLogging', 'FUNCTION', install(CallLogging, (c) => c.filter(missing))],
    ['The fact user of CallLogging', 'FUNCTION', install(CallLogging, (c) => c.mdc('user', missing))],
    ['limitBytes of BodyLimit', 'FUNCTION', set(BodyLimit, { limitBytes: wrong })],
    ['What exception() of', 'FUNCTION', install(StatusPages, (c) => c.exception(wrong, () => 0))],
    ['for TypeError must', 'FUNCTION', install(StatusPages, (c) => c.exception(TypeError, missing))],
    ['a status is "x"', 'OPTION', install(StatusPages, (c) => c.status(wrong, () => 0))],
    ['for 404 must', 'FUNCTION', install(StatusPages, (c) => c.status(404, missing))],
    ['unhandled of StatusPages', 'FUNCTION', install(StatusPages, (c) => c.unhandled(missing))],
    ['converter of a/b', 'OPTION', install(ContentNegotiation, (c) => c.register('a/b', missing))],
    ['is "a b"', 'METRIC', set(PrometheusMetrics, { metricName: 'a b' })],
    [
      'maxAgeSeconds of cart is 0',
      'OPTION',
      install(Sessions, (c) =>
        c.cookie(sessionKey('cart'), (cart) => void Object.assign(cart, { maxAgeSeconds: 0 })),
      ),
    ],
  ])('%s', async (message, kind, module) => {
    const codes: Readonly<Record<string, string>> = {
      OPTION: 'PORTICO_PLUGIN_OPTION',
      FUNCTION: 'PORTICO_NOT_A_FUNCTION',
      HEADER: 'PORTICO_INVALID_HEADER',
      METRIC: 'PORTICO_METRIC_NAME',
    };
    await expect(testApplication([module, (application) => void routing(application)])).rejects.toMatchObject(
      { code: codes[kind], message: expect.stringContaining(message) },
    );
  });
});
