import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { routeOf, TestFront } from '#test/support/front.js';
import { exchangeWith } from './hostile-exchange.js';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const SMUGGLED = 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled';
const answer = (fields: string, body = ''): string => `HTTP/1.1 200 OK\r\n${fields}\r\n${body}`;
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const LENGTH = 'Content-Length: 2\r\n';

/** Found before the head has left, or behind it. */
const BROKEN = '500|502|cut';

/** What an upstream sends, whether it closes behind it, and what the client reads, as a pattern. */
const ANSWERS: Readonly<Record<string, readonly [bytes: string, closes: boolean, read: string]>> = {
  'two-responses': [answer(LENGTH, 'hi') + SMUGGLED, false, '200 hi'],
  'junk-behind': [`${answer(LENGTH, 'hi')}\0junk\r\n\r\n`, false, '200 hi'],
  'junk-behind-chunks': [`${answer(CHUNKED, '2\r\nhi\r\n0\r\n\r\n')}${SMUGGLED}`, false, '200 hi'],
  'junk-before': [`junk\r\n${OK}`, false, '502'],
  'body-longer-than-length': [answer(LENGTH, 'hi, smuggled'), false, '200 hi'],
  'body-shorter-than-length': [answer('Content-Length: 9\r\n', 'hi'), true, 'cut'],
  'length-twice': [answer(`${LENGTH}Content-Length: 3\r\n`, 'hi!'), false, '502'],
  'length-list': [answer('Content-Length: 2, 2\r\n', 'hi'), false, '502'],
  'length-negative': [answer('Content-Length: -2\r\n', 'hi'), false, '502'],
  'length-signed': [answer('Content-Length: +2\r\n', 'hi'), false, '502'],
  'length-no-number': [answer('Content-Length: two\r\n', 'hi'), false, '502'],
  'length-and-chunked': [answer(LENGTH + CHUNKED, '2\r\nhi\r\n0\r\n\r\n'), false, '502'],
  'coding-unknown': [answer('Transfer-Encoding: gzip\r\n', 'hi'), true, '200 hi'],
  'chunk-no-number': [answer(CHUNKED, 'zz\r\nhi\r\n0\r\n\r\n'), false, BROKEN],
  'chunk-too-long': [answer(CHUNKED, '1\r\nhi\r\n0\r\n\r\n'), false, BROKEN],
  'chunk-bare-lf': [answer(CHUNKED, '2\nhi\n0\n\n'), false, BROKEN],
  'chunk-overflow': [answer(CHUNKED, 'fffffffffffffffff\r\nhi'), false, BROKEN],
  'chunks-without-end': [answer(CHUNKED, '2\r\nhi\r\n'), true, 'cut'],
  'bare-lf': ['HTTP/1.1 200 OK\nContent-Length: 2\nX-Injected: 1\n\nhi', false, '502'],
  'bare-cr': [answer(`X-A: b\rX-Injected: 1\r\n${LENGTH}`, 'hi'), false, '502'],
  'obs-fold': [answer(`X-A: b\r\n X-Injected: 1\r\n${LENGTH}`, 'hi'), false, '502'],
  'blank-before-colon': [answer('Content-Length : 2\r\n', 'hi'), false, '502'],
  'nul-in-value': [answer(`X-A: b\0c\r\n${LENGTH}`, 'hi'), false, '502'],
  'no-head': ['<html>smuggled</html>', true, '502'],
  'body-204': [`HTTP/1.1 204 No Content\r\n\r\n${SMUGGLED}`, false, '204 '],
  'body-304': [`HTTP/1.1 304 Not Modified\r\nContent-Length: 8\r\n\r\n${SMUGGLED}`, false, '304 '],
  'status-101': [
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhi',
    false,
    '502',
  ],
  'status-four-digits': ['HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nhi', false, '502'],
  'version-9': ['HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\nhi', false, '502'],
  'only-100': ['HTTP/1.1 100 Continue\r\n\r\n', true, '502'],
  'interim-then-answer': [
    `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${answer(LENGTH, 'hi')}`,
    false,
    '200 hi',
  ],
  'connection-fields': [
    answer(`Connection: x-injected, keep-alive\r\nX-Injected: 1\r\nKeep-Alive: timeout=9\r\n${LENGTH}`, 'hi'),
    false,
    '200 hi',
  ],
  'trailers-that-frame': [answer(CHUNKED, '2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n'), false, '200 hi'],
  'until-close': [answer('', 'hi'), true, '200 hi'],
  nothing: ['', true, '502'],
};

let front: TestFront;
let upstream: Server;
const sockets = new Set<Socket>();

beforeAll(async () => {
  upstream = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    let received = '';
    socket.on('data', (data) => {
      received += data.toString('latin1');
      if (!received.includes('\r\n\r\n')) return;
      const name = /^\S+ \/(\S*)/.exec(received)?.[1] ?? '';
      received = '';
      const [bytes, closes] = ANSWERS[name] ?? [OK, false];
      socket.write(bytes, 'latin1');
      if (closes) socket.end();
    });
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  front = await TestFront.start();
  await front.route([routeOf('', { kind: 'upstream', deployment: 'lying', urls: [url], prefix: 'strip' })]);
});

afterAll(async () => {
  await front.stop();
  upstream.close();
  for (const socket of sockets) socket.destroy();
});

it.each(Object.entries(ANSWERS))(
  'an upstream that says %s breaks nothing for the client',
  async (name, [, , read]) => {
    expect((await exchangeWith(front.port, 'GET', name, '1.1')).first).toMatch(new RegExp(`^(?:${read})$`));
  },
);
