import type { IncomingMessage, ServerResponse } from 'node:http';

type Answer = (response: ServerResponse) => unknown;

/** Bytes past Node's checks, as an application can write them. */
const raw =
  (...parts: readonly string[]): Answer =>
  (response) => {
    for (const part of parts) response.socket?.write(part, 'latin1');
    response.socket?.end();
  };
/** A head past Node's checks, with a body by Node. */
const head =
  (text: string): Answer =>
  (response) => {
    Object.assign(response, { _header: `HTTP/1.1 200 OK\r\n${text}\r\n\r\n`, _hasBody: true });
    response.end('hello');
  };

/** Answers of a `(req, res)` application that would break the framing, by name. */
export const HOSTILE: Readonly<Record<string, Answer>> = {
  'line-in-value': (response) => response.setHeader('X-A', 'b\r\nX-Injected: 1').end(),
  'line-in-name': (response) => response.setHeader('X-A: b\r\nX-Injected', '1').end(),
  'line-in-reason': (response) => {
    response.statusMessage = 'OK\r\nX-Injected: 1';
    response.end();
  },
  'line-in-cookie': (response) => response.setHeader('Set-Cookie', ['a=b', 'c=d\nX-Injected: 1']).end(),
  'early-hints': (response) => {
    response.writeEarlyHints({ link: '</a>; rel=preload', 'x-b': 'c' });
    response.end('hello');
  },
  'line-in-trailer': (response) => {
    response.writeHead(200, { Trailer: 'X-A' });
    response.write('hello');
    response.addTrailers({ 'X-A': 'b\r\nX-Injected: 1' });
    response.end();
  },
  'framing-in-trailer': (response) => {
    response.write('hello');
    response.addTrailers({ 'Content-Length': '50', 'Transfer-Encoding': 'chunked', 'X-B': 'c' });
    response.end();
  },
  'length-too-short': (response) => response.setHeader('Content-Length', 2).end('hello'),
  'length-too-long': (response) => response.setHeader('Content-Length', 10).end('hello'),
  'length-too-long-and-destroyed': (response) => {
    response.setHeader('Content-Length', 10).write('hello', () => response.destroy());
  },
  'length-no-number': (response) => response.setHeader('Content-Length', 'five').end('hello'),
  'length-negative': (response) => response.setHeader('Content-Length', '-5').end('hello'),
  'length-list': (response) => response.setHeader('Content-Length', '5, 5').end('hello'),
  'length-twice': (response) =>
    response.writeHead(200, ['Content-Length', '5', 'Content-Length', '9']).end('hello'),
  'length-and-coding': (response) =>
    response.writeHead(200, { 'Content-Length': '5', 'Transfer-Encoding': 'chunked' }).end('hello'),
  'coding-gzip': (response) => response.setHeader('Transfer-Encoding', 'gzip').end('hello'),
  'coding-list': (response) => response.setHeader('Transfer-Encoding', 'gzip, chunked').end('hello'),
  'connection-fields': (response) =>
    response
      .writeHead(200, {
        Connection: 'keep-alive, x-a',
        'Keep-Alive': 'timeout=99',
        'X-A': 'b',
        Upgrade: 'h2c',
      })
      .end('hello'),
  'connection-close': (response) => response.setHeader('Connection', 'close').end('hello'),
  'body-204': (response) => response.writeHead(204, { 'Content-Length': '5' }).end('hello'),
  'body-205': (response) => response.writeHead(205).end('hello'),
  'body-304': (response) => response.writeHead(304, { 'Content-Length': '5' }).end('hello'),
  'status-100': (response) => response.writeHead(100).end('hello'),
  'status-101': (response) => response.writeHead(101).end('hello'),
  'status-199': (response) => response.writeHead(199).end('hello'),
  'status-600': (response) => response.writeHead(600).end('hello'),
  'status-999': (response) => response.writeHead(999).end('hello'),
  'status-0': (response) => response.writeHead(0).end('hello'),
  'many-100': (response) => {
    for (let i = 0; i < 50; i++) response.writeContinue();
    response.end('hello');
  },
  'processing-102': (response) => {
    response.writeProcessing();
    response.end('hello');
  },
  'raw-two-responses': raw(
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled',
  ),
  'raw-response-then-another': raw(
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi',
    'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled',
  ),
  'raw-junk': raw('nothing that is HTTP\r\n\r\n'),
  'raw-no-head': raw('<html>smuggled</html>'),
  'raw-bare-lf': raw('HTTP/1.1 200 OK\nContent-Length: 2\nX-Injected: 1\n\nhi'),
  'raw-bare-cr': raw('HTTP/1.1 200 OK\r\nX-A: b\rX-Injected: 1\r\nContent-Length: 2\r\n\r\nhi'),
  'raw-obs-fold': raw('HTTP/1.1 200 OK\r\nX-A: b\r\n X-Injected: 1\r\nContent-Length: 2\r\n\r\nhi'),
  'raw-nul': raw('HTTP/1.1 200 OK\r\nX-A: b\0c\r\nContent-Length: 2\r\n\r\nhi'),
  'raw-blank-before-colon': raw('HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nhi'),
  'raw-two-lengths': raw('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi!'),
  'raw-length-and-chunked': raw(
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
  ),
  'raw-broken-chunk': raw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhi\r\n0\r\n\r\n'),
  'raw-chunk-without-end': raw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'),
  'raw-huge-chunk': raw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhi'),
  'raw-version': raw('HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\nhi'),
  'raw-status': raw('HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nhi'),
  'raw-204-with-body': raw('HTTP/1.1 204 No Content\r\nContent-Length: 8\r\n\r\nsmuggled'),
  'raw-until-close': raw('HTTP/1.1 200 OK\r\n\r\nhello'),
  'raw-nothing': raw(),
  'raw-100-only': raw('HTTP/1.1 100 Continue\r\n\r\n'),
  'head-line': head('X-A: b\r\nContent-Length: 5'),
  'head-length-list': head('Content-Length: 5, 5'),
  'head-chunked-twice': head('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked'),
  'head-of-20-kib': (response) => response.setHeader('X-A', 'b'.repeat(20_000)).end('hello'),
};

/** What Node throws at is answered with 500, as frameworks do. */
export default function application(request: IncomingMessage, response: ServerResponse): void {
  const [, name = ''] = (request.url ?? '').split('/');
  request.on('error', () => undefined);
  response.on('error', () => undefined);
  try {
    if (name === 'ok') response.end('ok');
    else HOSTILE[name]?.(response);
  } catch {
    if (response.headersSent) response.destroy();
    else {
      for (const field of response.getHeaderNames()) response.removeHeader(field);
      response.statusMessage = '';
      response.statusCode = 500;
      response.end('thrown');
    }
  }
}
