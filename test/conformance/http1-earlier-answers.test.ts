import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type Subject,
  serverEntry,
  startCio,
  startConnector,
  startFront,
  startUpstream,
} from '#test/support/http1-corpus/subject.js';
import { RawClient } from '#test/support/raw-client.js';

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
const post = (path: string): string => `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello`;

/** What a client may send behind valid requests, and the status it gets for that. */
const JUNK: readonly (readonly [name: string, bytes: string, status: number])[] = [
  ['binary junk', '\0\x01\x02\x03\r\n\r\n', 400],
  ['a line without sense', 'what is this\r\n\r\n', 400],
  ['a request without Host', 'GET / HTTP/1.1\r\n\r\n', 400],
  ['HTTP/2.0', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505],
  [
    'two framings',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
  ],
  ['a coding that nobody knows', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n', 501],
  ['a target without end', `GET /${'a'.repeat(9000)}`, 414],
  ['a head without end', `GET / HTTP/1.1\r\nX: ${'a'.repeat(17_000)}`, 431],
];

describe.each([
  ['the connector', () => startConnector()],
  ['a framework application on CIO', () => startCio()],
  [
    'a framework application behind a front',
    () => startFront({ kind: 'modules', modules: ['framework-application.js#conformance'] }),
  ],
  ['a (req, res) application behind a front', () => startFront(serverEntry('server-application.js'))],
  ['a URL behind a front', () => startUpstream()],
] as const)('%s loses no answer', (_name, start) => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await start();
  });
  afterAll(() => subject.stop());

  /** `(slow)` in a path: that answer takes its time. */
  it.each([
    ['at once', ['/a', '/b', '/c']],
    ['late', ['/slow/a', '/slow/b']],
    ['at once and late', ['/a', '/slow/b', '/c', '/slow/d']],
  ])('%s, whatever follows on the connection', async (_when, paths) => {
    for (const [name, junk, status] of JUNK) {
      for (const parts of [[paths.map(get).join('') + junk], [paths.map(post).join(''), junk]]) {
        expect([name, await pathsAndStatus(subject.port, parts)]).toEqual([name, [...paths, status]]);
      }
    }
  });
});

/** The paths that the answers say they are of, then the status of the refusal; checks that the connection closes. */
async function pathsAndStatus(port: number, parts: readonly string[]): Promise<(string | number)[]> {
  const client = await RawClient.open(port);
  try {
    for (const part of parts) client.send(part);
    const seen: (string | number)[] = [];
    for (;;) {
      const response = await client.response();
      if (response === undefined) return seen;
      expect(response.isComplete).toBe(true);
      const isAnswer = response.status === 200;
      seen.push(isAnswer ? (JSON.parse(response.body.toString()) as { path: string }).path : response.status);
    }
  } finally {
    client.destroy();
  }
}
