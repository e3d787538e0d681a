import { PorticoError } from '../../errors.js';
import type { TestRequestOptions } from './test-request-options.js';
import type { TestResponse } from './test-response.js';
import { originOf, parseTarget, type TestTarget } from './test-target.js';

/** The request that a redirect asks for. */
export interface NextRequest {
  readonly method: string;
  readonly target: TestTarget;
  readonly options: TestRequestOptions;
}

/** What the response asks to be requested next; undefined when it is no redirect (RFC 9110 §15.4). */
export function nextTarget(
  method: string,
  target: TestTarget,
  options: TestRequestOptions,
  response: TestResponse,
): NextRequest | undefined {
  const location = response.header('location');
  if (![301, 302, 303, 307, 308].includes(response.status) || location === undefined) return undefined;
  const next = parseTarget(new URL(location, response.url).href);
  const isRewritten =
    (response.status === 303 && method !== 'HEAD') ||
    // As the fetch standard has it, and every browser does.
    ((response.status === 301 || response.status === 302) && method === 'POST');
  if (!isRewritten && isStream(options.body))
    throw new PorticoError(
      'PORTICO_TEST_REDIRECT',
      `${method} ${response.url} was redirected with ${response.status}, but its body is a stream and cannot be sent again.`,
    );
  const isForeign = originOf(next) !== originOf(target);
  return {
    method: isRewritten ? 'GET' : method,
    target: next,
    options: {
      headers: withoutHeaders(options.headers, [
        ...(isRewritten ? ['content-type', 'content-length'] : []),
        ...(isForeign ? ['authorization', 'cookie', 'host'] : []),
      ]),
      ...(isRewritten ? {} : bodyOf(options)),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    },
  };
}

function isStream(body: TestRequestOptions['body']): boolean {
  return body !== undefined && typeof body !== 'string' && !(body instanceof Uint8Array);
}

function bodyOf({ headers: _headers, signal: _signal, ...body }: TestRequestOptions): TestRequestOptions {
  return body;
}

function withoutHeaders(
  headers: TestRequestOptions['headers'] = {},
  names: readonly string[],
): NonNullable<TestRequestOptions['headers']> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name.toLowerCase())));
}
