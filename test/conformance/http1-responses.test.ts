import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HOSTILE as FRAMEWORK, hostile } from '#test/support/http1-corpus/hostile-framework.js';
import { HOSTILE as SERVER } from '#test/support/http1-corpus/hostile-server.js';
import { type Subject, serverEntry, startCio, startFront } from '#test/support/http1-corpus/subject.js';
import { exchangeWith } from './hostile-exchange.js';

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
