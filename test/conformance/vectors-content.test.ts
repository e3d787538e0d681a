import { describe, expect, it } from '@jest/globals';
import { type Application, BytesContent, routing } from 'portico';
import { AutoHeadResponse } from 'portico/plugins/auto-head-response';
import { Compression, chooseCoding } from 'portico/plugins/compression';
import { ConditionalHeaders } from 'portico/plugins/conditional-headers';
import { PartialContent } from 'portico/plugins/partial-content';
import { testApplication } from 'portico/testing';
import {
  contentRange,
  mergeRanges,
  parseRanges,
  type RangeSpec,
  resolveRanges,
  spanOf,
} from '#host/http/byte-range.js';
import { type CacheControl, mergeCacheControl, renderCacheControl } from '#host/http/cache-control.js';
import { httpDate } from '#host/http/http-date.js';
import { readVectors } from '#test/support/vectors.js';

const T0 = Date.UTC(2026, 10, 22, 12, 0, 0);

/** `T0`, `T0+1d`, `T0-100s` as an HTTP date; other texts as they are. */
function dated(text: string): string {
  if (text.startsWith('<http date of T0')) return httpDate(T0).slice(15);
  const match = /^T0(?:([+-]\d+)([ds]))?$/.exec(text);
  if (match === null) return text;
  return httpDate(T0 + Number(match[1] ?? 0) * (match[2] === 'd' ? 86_400_000 : 1000));
}

/** Answers one request to `/` of an application. */
async function answerOf(
  module: (application: Application) => void,
  method: string,
  headers: Readonly<Record<string, string | readonly string[]>>,
) {
  const application = await testApplication(module);
  const response = await application.client.request(method, '/', { headers });
  const body = await response.bytes();
  await application.stop();
  return { response, body };
}

describe('conditional-headers', () => {
  const { cases } = readVectors<{
    cases: readonly {
      resource: {
        versions: readonly { etag?: string; weak?: boolean; lastModified?: string }[];
        responseHeaders?: Record<string, readonly string[]>;
      };
      request: { method: string; headers: Record<string, readonly string[]> };
      expect: { status: number; etag?: string; body?: 'full' | 'empty' };
    }[];
  }>('conditional-headers');

  it.each(cases)('$resource $request.headers', async ({ resource, request, expect: wanted }) => {
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, values]) => [name, values.map(dated)]),
    );
    const { response, body } = await answerOf(
      (app) => {
        app.install(ConditionalHeaders, (config) =>
          config.version(() =>
            resource.versions.map(({ etag, weak }) =>
              etag === undefined ? { lastModifiedMs: T0 } : { etag, isWeak: weak === true },
            ),
          ),
        );
        routing(app, (r) =>
          r.get('/', (call) => {
            for (const [name, values] of Object.entries(resource.responseHeaders ?? {}))
              for (const value of values) call.response.header(name, dated(value));
            return call.respondText('content');
          }),
        );
      },
      request.method,
      headers,
    );
    expect(response.status).toBe(wanted.status);
    if (wanted.etag !== undefined) expect(response.header('etag')).toBe(wanted.etag);
    if (wanted.body !== undefined) expect(body.toString()).toBe(wanted.body === 'full' ? 'content' : '');
  });
});

describe('ranges', () => {
  const vectors = readVectors<{
    parse: readonly { header: string; expect: readonly RangeSpec[] | null }[];
    resolve: readonly { ranges: readonly RangeSpec[]; length: number; expect: unknown }[];
    merge: readonly { input: readonly (readonly [number, number])[]; expect: unknown }[];
    mergeSpecifier: readonly { header: string; length: number; expect: unknown }[];
    mergeToSingle: readonly { header: string; length: number; expect: unknown }[];
    contentRangeHeader: readonly { range: [number, number] | null; length: number | null; expect: string }[];
    partialContent: readonly {
      resource: { length: number; contentType: string; etag: string };
      maxRangeCount: number;
      request: { method: string; headers: Record<string, string> };
      expect: {
        status: number;
        contentRange?: string | null;
        bodyRange?: [number, number];
        contentType?: string;
        acceptRanges?: string;
        emptyBody?: boolean;
        lastModified?: boolean;
      };
    }[];
  }>('ranges');

  it.each(vectors.parse)('parses $header', ({ header, expect: wanted }) => {
    expect(parseRanges(header) ?? null).toEqual(wanted);
  });
  it.each(vectors.resolve)('resolves $ranges', ({ ranges, length, expect: wanted }) => {
    expect(resolveRanges(ranges, length)).toEqual(wanted);
  });
  it.each(vectors.merge)('merges $input', ({ input, expect: wanted }) => {
    expect(mergeRanges(input)).toEqual(wanted);
  });
  it.each(vectors.mergeSpecifier)('merges $header', ({ header, length, expect: wanted }) => {
    expect(mergeRanges(resolveRanges(parseRanges(header) ?? [], length))).toEqual(wanted);
  });
  it.each(vectors.mergeToSingle)('spans $header', ({ header, length, expect: wanted }) => {
    expect(spanOf(resolveRanges(parseRanges(header) ?? [], length))).toEqual(wanted);
  });
  it.each(vectors.contentRangeHeader)('renders $expect', ({ range, length, expect: wanted }) => {
    expect(contentRange(range ?? undefined, length ?? undefined)).toBe(wanted);
  });

  it.each(vectors.partialContent)('$request.method $request.headers', async (one) => {
    const { resource, request, expect: wanted } = one;
    const bytes = Buffer.from(Array.from({ length: resource.length }, (_, i) => i % 256));
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, dated(value)]),
    );
    const { response, body } = await answerOf(
      (app) => {
        app.install(AutoHeadResponse);
        app.install(ConditionalHeaders);
        app.install(PartialContent, (config) => {
          config.maxRangeCount = one.maxRangeCount;
        });
        routing(app, (r) =>
          r.get('/', (call) =>
            call.respond(
              new BytesContent(bytes, resource.contentType, undefined, [
                'ETag',
                `"${resource.etag}"`,
                'Last-Modified',
                httpDate(T0),
              ]),
            ),
          ),
        );
      },
      request.method,
      headers,
    );
    expect(response.status).toBe(wanted.status);
    if (wanted.contentRange !== undefined)
      expect(response.header('content-range') ?? null).toBe(wanted.contentRange);
    if (wanted.bodyRange !== undefined)
      expect([...body]).toEqual([...bytes.subarray(wanted.bodyRange[0], wanted.bodyRange[1] + 1)]);
    if (wanted.contentType !== undefined) expect(response.header('content-type')).toBe(wanted.contentType);
    if (wanted.acceptRanges !== undefined) expect(response.header('accept-ranges')).toBe(wanted.acceptRanges);
    if (wanted.emptyBody === true) expect(body.length).toBe(0);
    if (wanted.lastModified === true) expect(response.header('last-modified')).toBe(httpDate(T0));
  });
});

describe('cache-control-merge', () => {
  interface Directive {
    readonly type: 'no-cache' | 'no-store' | 'max-age';
    readonly visibility: 'public' | 'private' | null;
    readonly maxAge?: number;
    readonly sMaxAge?: number | null;
    readonly mustRevalidate?: boolean;
    readonly proxyRevalidate?: boolean;
  }
  const { cases, render } = readVectors<{
    cases: readonly { input: readonly Directive[]; expect: readonly Directive[] }[];
    render: readonly { input: Directive; expect: string }[];
  }>('cache-control-merge');
  const own = (one: Directive): CacheControl => {
    const visibility = one.visibility ?? undefined;
    if (one.type !== 'max-age') return { type: one.type, visibility };
    return {
      type: 'max-age',
      maxAgeSeconds: one.maxAge ?? 0,
      sharedMaxAgeSeconds: one.sMaxAge ?? undefined,
      mustRevalidate: one.mustRevalidate === true,
      proxyRevalidate: one.proxyRevalidate === true,
      visibility,
    };
  };

  it.each(cases)('$input', ({ input, expect: wanted }) => {
    expect(mergeCacheControl(input.map(own))).toEqual(wanted.map(own));
  });
  it.each(render)('renders $expect', ({ input, expect: wanted }) => {
    expect(renderCacheControl(own(input))).toBe(wanted);
  });
});

describe('compression-accept-encoding', () => {
  interface CodingCase {
    readonly encoders: readonly { readonly name: 'gzip' | 'deflate'; readonly priority: number }[];
    readonly acceptEncoding: string | null;
    readonly contentLength: number;
    readonly contentType: string;
    readonly expect: string | null;
  }
  const { cases } = readVectors<{ cases: readonly CodingCase[] }>('compression-accept-encoding');

  it.each(cases)('$acceptEncoding of $encoders', async (one) => {
    const { response } = await answerOf(
      (app) => {
        app.install(Compression, (config) => {
          for (const { name, priority } of one.encoders) config[name](priority);
        });
        routing(app, (r) =>
          r.get('/', (call) => call.respondText('x'.repeat(one.contentLength), one.contentType)),
        );
      },
      'GET',
      one.acceptEncoding === null ? {} : { 'Accept-Encoding': one.acceptEncoding },
    );
    expect(response.header('content-encoding') ?? null).toBe(one.expect);
  });

  it('chooses nothing of nothing', () => {
    expect(chooseCoding('gzip', [])).toBeUndefined();
  });
});
