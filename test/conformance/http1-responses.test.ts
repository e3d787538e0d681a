import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HOSTILE as FRAMEWORK, hostile } from '#test/support/http1-corpus/hostile-framework.js';
import { HOSTILE as SERVER } from '#test/support/http1-corpus/hostile-server.js';
import { type Subject, serverEntry, startCio, startFront } from '#test/support/http1-corpus/subject.js';
import { RawClient, type RawResponse } from '#test/support/raw-client.js';

/**
 * Whatever an application gives, the client reads one response, whole or visibly cut, and the next response on the
 * connection is the one to its next request. An answer is 500 where nothing is said here.
 */
const ANSWERS: Readonly<Record<string, string>> = {
  // Every way to write an application.
  'length-too-short': '200 he',
  'length-too-long': 'cut',
  'connection-fields': '200 hello',
  'connection-close': '200 hello',
  'body-204': '204 ',
  'body-205': '205 ',
  'body-304': '304 ',
  // A `(req, res)` application.
  'early-hints': '200 hello',
  'framing-in-trailer': '200 hello',
  'length-too-long-and-destroyed': 'cut',
  'length-and-coding': '200 hello',
  'coding-gzip': '200 hello',
  'coding-list': '200 hello',
  'many-100': '200 hello',
  'processing-102': '200 hello',
  'raw-two-responses': '200 hi',
  'raw-response-then-another': '200 hi',
  'raw-length-and-chunked': '200 hi',
  'raw-chunk-without-end': 'cut',
  'raw-huge-chunk': 'cut',
  'raw-204-with-body': '204 ',
  'raw-until-close': '200 hello',
  'head-line': '200 hello',
  'head-chunked-twice': 'cut',
  'head-of-20-kib': '200 hello',
  // A framework application.
  'stream-too-short': 'cut',
  'stream-too-long': '200 hello',
  'stream-of-204': '204 ',
  'stream-of-304': '304 ',
  'stream-that-fails': 'cut',
  'empty-chunks': '200 hello',
  response: 'cut',
};
/** The framework finds these before anything is sent. */
const FOUND = ['length-too-short', 'length-too-long', 'connection-fields', 'connection-close'];
/** Fields of a connection that are none of the application's. */
const CONNECTION_FIELDS = ['keep-alive', 'proxy-connection', 'upgrade', 'te', 'x-injected'];

describe.each([
  ['a framework application on CIO', () => startCio(hostile), Object.keys(FRAMEWORK), FOUND],
  [
    'a framework application behind a front',
    () => startFront({ kind: 'modules', modules: ['hostile-framework.js#hostile'] }),
    // The exchange protocol cannot carry half a field; it is left out.
    Object.keys(FRAMEWORK).filter((name) => name !== 'odd-fields'),
    FOUND,
  ],
  [
    'a (req, res) application behind a front',
    () => startFront(serverEntry('hostile-server.js')),
    Object.keys(SERVER),
    [],
  ],
] as const)('%s', (_name, start, answers: readonly string[], found: readonly string[]) => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await start();
  });
  afterAll(() => subject.stop());

  it.each(answers)('cannot break the framing by %s', async (name) => {
    const get = await exchangeWith(subject.port, 'GET', name, '1.1');
    expect(get.first).toBe(found.includes(name) ? '500' : (ANSWERS[name] ?? '500'));
    for (const [method, version] of [
      ['HEAD', '1.1'],
      ['GET', '1.0'],
    ] as const) {
      const { first } = await exchangeWith(subject.port, method, name, version);
      expect(first).toMatch(method === 'HEAD' ? /^(?:[2345]\d\d|cut) ?$/ : /^(?:[2345]\d\d .*|500|cut)$/);
    }
  });
});

/** The answer to the hostile request, behind which the answer to the next one is checked. */
async function exchangeWith(
  port: number,
  method: 'GET' | 'HEAD',
  name: string,
  version: string,
): Promise<{ first: string }> {
  const client = await RawClient.open(port);
  try {
    const keep = version === '1.0' ? 'Connection: keep-alive\r\n' : '';
    client.send(`${method} /${name} HTTP/${version}\r\nHost: a\r\n${keep}\r\n`);
    client.send('GET /ok HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const first = await finalResponse(client, method);
    const second = await finalResponse(client, 'GET');
    expect(await client.response()).toBeUndefined();
    if (first === undefined) return { first: 'cut' };
    checkFields(first);
    const isCut = !first.isComplete || (first.framing === 'close' && client.error !== undefined);
    if (second !== undefined) {
      expect(isCut).toBe(false);
      expect([second.status, second.body.toString()]).toEqual([200, 'ok']);
    }
    if (method === 'HEAD' || [204, 205, 304].includes(first.status)) expect(first.body).toHaveLength(0);
    if (isCut) return { first: 'cut' };
    return { first: first.status >= 500 ? String(first.status) : `${first.status} ${first.body}` };
  } finally {
    client.destroy();
  }
}

async function finalResponse(client: RawClient, method: string): Promise<RawResponse | undefined> {
  for (;;) {
    const response = await client.response(method);
    if (response === undefined || response.status >= 200) return response;
    checkFields(response);
  }
}

function checkFields({ headers, trailers, body }: RawResponse): void {
  const names = headers.map(([name]) => name);
  for (const name of CONNECTION_FIELDS) expect(names).not.toContain(name);
  const codings = headers.filter(([name]) => name === 'transfer-encoding').map(([, value]) => value);
  expect(['', 'chunked']).toContain(codings.join());
  for (const [name] of trailers)
    expect(['content-length', 'transfer-encoding', 'x-injected']).not.toContain(name);
  expect(body.toString()).not.toContain('smuggled');
}
