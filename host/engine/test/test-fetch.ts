import type { TestClient } from './test-client.js';
import type { TestRequestOptions } from './test-request-options.js';
import type { TestResponse } from './test-response.js';

/** The network of a test in the form of the global `fetch`. */
export type TestFetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** A `fetch` that sends through a client. Cookies and default headers are those of the client. */
export function fetchThrough(client: TestClient): TestFetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const isStreamed = init?.body !== undefined && init.duplex === 'half';
    const options: TestRequestOptions = {
      headers: Object.fromEntries(request.headers),
      signal: request.signal,
      ...(request.body === null
        ? {}
        : { body: isStreamed ? request.body : Buffer.from(await request.arrayBuffer()) }),
    };
    const redirecting = client.with({ followRedirects: request.redirect === 'follow', expectSuccess: false });
    const response = await redirecting.request(request.method, request.url, options);
    if (request.redirect === 'error' && [301, 302, 303, 307, 308].includes(response.status))
      throw new TypeError(`${request.url} was redirected with ${response.status}.`);
    return standardResponse(response);
  };
}

function standardResponse(response: TestResponse): Response {
  const headers = new Headers();
  for (const name of Object.keys(response.headers))
    for (const value of response.headerAll(name)) headers.append(name, value);
  // The fetch standard: these statuses have no body, not even an empty one.
  const hasBody = ![204, 205, 304].includes(response.status);
  const standard = new Response(hasBody ? streamOf(response) : null, { status: response.status, headers });
  Object.defineProperties(standard, {
    url: { value: response.url },
    redirected: { value: response.redirects > 0 },
  });
  return standard;
}

function streamOf(response: TestResponse): ReadableStream<Uint8Array> {
  const chunks = response.chunks();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
    cancel: () => response.cancel(),
  });
}
