import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { TestHost } from '#test/support/host.js';
import { until } from '#test/support/polling.js';
import { headerOf, RawClient, type RawResponse } from '#test/support/raw-client.js';

/** Tells what it was asked, in the ways that `?do=` names. */
const echo = `
export const seen = [];
export function act(req, res) {
  const query = new URL(req.url, 'http://host').searchParams;
  const id = query.get('id');
  const tell = (body) => res.end(JSON.stringify({ id, method: req.method, url: req.url, fields: req.rawHeaders, body, trailers: req.rawTrailers }));
  const read = (done) => { let body = ''; req.setEncoding('latin1').on('data', (chunk) => { body += chunk; }).on('end', () => done(body)); };
  req.on('error', () => undefined);
  res.on('close', () => { if (!res.writableFinished && id !== null) seen.push(id); });
  switch (query.get('do')) {
    case 'seen': return res.end(JSON.stringify(seen));
    case 'ignore': return setImmediate(tell, '');
    case 'hang': return read(() => undefined);
    case 'stream': res.writeHead(200); res.write('first'); return;
    case 'hold': req.once('data', () => { req.pause(); tell(''); setTimeout(() => req.resume(), 300); }); return;
    case 'status': res.writeHead(Number(query.get('status')), { 'content-length': 5 }); return res.end('12345');
    case 'shorter': res.writeHead(200, { 'content-length': 100 }); return res.end('short');
    case 'longer': res.writeHead(200, { 'content-length': 3 }); return res.end('abcHTTP/1.1 200 OK\\r\\ncontent-length: 0\\r\\n\\r\\n');
    case 'raw': res.socket.write(query.get('bytes')); return res.socket.end();
    case 'trailers': res.writeHead(200, { trailer: 'x-sum' }); res.write('body'); res.addTrailers({ 'x-sum': '4' }); return res.end();
    case 'early': res.writeEarlyHints({ link: '</a.css>; rel=preload' }); return setImmediate(tell, '');
    case 'last': res.end('last words'); return process.exit(0);
    default: return read(tell);
  }
}
`;
const esm = (main: string) => ({
  'package.json': '{ "type": "module", "main": "app.js" }',
  'echo.js': echo,
  'app.js': `import { act } from './echo.js';\n${main}`,
});
const framework = {
  'application.yaml': 'portico: { application: { modules: ["app.mjs#app"] } }\n',
  'app.mjs': `import { routing } from 'portico';
export function app(application) {
  routing(application, (route) => {
    const answer = async (call) => {
      const act = call.request.queryParameters.get('do');
      const body = act === 'ignore' ? '' : await call.receiveText();
      return call.respondText(JSON.stringify({ id: call.request.queryParameters.get('id'), method: call.method, url: call.localPath, fields: [], body, trailers: [] }));
    };
    route.get('/{path...}', answer);
    route.post('/{path...}', answer);
  });
}`,
};
const apps = {
  plain: esm('export default act;'),
  last: esm('export default act;'),
  express: esm("import express from 'express'; const app = express(); app.use(act); export default app;"),
  koa: esm(
    "import Koa from 'koa'; const app = new Koa(); app.use((ctx) => { ctx.respond = false; ctx.res.statusCode = 200; act(ctx.req, ctx.res); }); export default app;",
  ),
  fastify: esm(
    "import Fastify from 'fastify'; const app = Fastify(); app.removeAllContentTypeParsers(); app.addContentTypeParser('*', (request, raw, done) => done(null)); app.all('/*', (request, reply) => { reply.hijack(); act(request.raw, reply.raw); }); export default app;",
  ),
  program: esm("import { createServer } from 'node:http'; createServer(act).listen(3000);"),
  framework,
  small: {
    ...esm('export default act;'),
    'application.yaml': 'portico: { servlet: { limits: { body: 1KiB } } }\n',
  },
  sockets: esm(
    `import { createServer } from 'node:http';
const server = createServer(act);
server.on('upgrade', (req, socket, head) => {
  if (req.url === '/refuse') return socket.end('HTTP/1.1 403 Forbidden\\r\\nContent-Length: 2\\r\\n\\r\\nno');
  if (req.url === '/destroy') return socket.destroy();
  socket.on('error', () => undefined);
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: raw\\r\\nConnection: Upgrade\\r\\n\\r\\n');
  // It never closes its side, whatever the client does.
  socket.on('data', (data) => socket.write(data));
});
server.listen(3000);`,
  ),
  static: { 'index.html': 'index', 'a.txt': 'alpha', '.env': 'SECRET', 'node_modules/x/a.js': 'SECRET' },
  halted: esm('export default act;'),
};
const config = `
connectors:
  - limits: { bodyIdleTimeout: 2s, headerTimeout: 2s, maxRequestsPerConnection: 50, maxConnections: 40 }
deployer: { stabilityWindow: 200ms, scanInterval: 300ms }
`;
const kinds = ['plain', 'express', 'koa', 'fastify', 'program', 'framework'];

interface Told {
  readonly id: string;
  readonly method: string;
  readonly url: string;
  readonly fields: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
}

describe('what a client may do', () => {
  let host: TestHost;
  const clients: RawClient[] = [];
  beforeAll(async () => {
    host = await TestHost.start({ config, apps });
    await host.admin('/v1/applications/halted/stop', 'POST');
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.destroy();
  });
  afterAll(async () => {
    await host.stop();
  });

  async function open(): Promise<RawClient> {
    const client = await RawClient.open(host.port);
    clients.push(client);
    return client;
  }
  /** Sends bytes on a connection of their own and gives so many responses. */
  async function send(bytes: string, count = 1, method = 'GET'): Promise<(RawResponse | undefined)[]> {
    const client = await open();
    client.send(bytes);
    const responses: (RawResponse | undefined)[] = [];
    for (let i = 0; i < count; i++) responses.push(await client.response(i === 0 ? method : 'GET'));
    return responses;
  }
  const get = (path: string, fields = '') => `GET ${path} HTTP/1.1\r\nHost: host.test\r\n${fields}\r\n`;
  const post = (path: string, body: string) =>
    `POST ${path} HTTP/1.1\r\nHost: host.test\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const told = (response: RawResponse | undefined): Told => JSON.parse(String(response?.body)) as Told;
  const statusOf = async (bytes: string) => (await send(bytes))[0]?.status;

  describe.each(kinds)('to %s', (kind) => {
    it('keeps a body apart from the request behind it, read or not, of known length or chunked', async () => {
      const smuggled = get('/plain/smuggled');
      const bodies = [smuggled, smuggled.repeat(300), 'x'.repeat(200_000)];
      for (const act of ['read', 'ignore', ...(kind === 'framework' ? [] : ['hold'])])
        for (const body of bodies) {
          const client = await open();
          const path = `/${kind}/first?do=${act}&id=1`;
          client.send(post(path, body) + get(`/${kind}/second?id=2`));
          expect(told(await client.response())).toMatchObject({
            id: '1',
            body: act === 'read' ? body : '',
          });
          expect(told(await client.response())).toMatchObject({ id: '2', method: 'GET', body: '' });
          const chunk = `${body.length.toString(16)};name="value"\r\n${body}\r\n0\r\nX-Sum: 1\r\nHost: evil\r\n\r\n`;
          client.send(
            `POST ${path} HTTP/1.1\r\nHost: host.test\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}${get(`/${kind}/second?id=3`)}`,
          );
          const first = told(await client.response());
          expect(first.body).toBe(act === 'read' ? body : '');
          if (act === 'read' && kind !== 'framework') expect(first.trailers).toEqual(['X-Sum', '1']);
          expect(told(await client.response())).toMatchObject({ id: '3', method: 'GET', body: '' });
        }
    });

    it('gives each of many mixed requests on few connections its own answer', async () => {
      await Promise.all(
        Array.from({ length: 8 }, async (_, worker) => {
          const client = await open();
          for (let turn = 0; turn < 12; turn++) {
            const id = `${worker}-${turn}`;
            const size = [0, 10, 20_000, 120_000][(worker + turn) % 4] as number;
            const act = ['read', 'ignore'][turn % 2] as string;
            client.send(
              size === 0 ? get(`/${kind}/?id=${id}`) : post(`/${kind}/?do=${act}&id=${id}`, 'q'.repeat(size)),
            );
            const answer = told(await client.response());
            expect(answer.id).toBe(id);
            expect(answer.body.length).toBe(act === 'read' ? size : 0);
          }
        }),
      );
    });

    it('says 100 only when the application takes the body', async () => {
      const client = await open();
      client.send(
        `POST /${kind}/?id=1 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n`,
      );
      expect((await client.response())?.status).toBe(100);
      client.send('body');
      expect(told(await client.response()).body).toBe('body');
    });
  });

  it('answers what is ambiguous with an error, closes, and never looks at what follows', async () => {
    const head = 'POST /plain/ HTTP/1.1\r\nHost: host.test\r\n';
    const rest = `0\r\n\r\n${get('/plain/smuggled')}`;
    const cases: [string, number][] = [
      ['Content-Length: 5, 5', 400],
      ['Content-Length: +5', 400],
      ['Content-Length: 0x5', 400],
      ['Content-Length: 5\r\nContent-Length: 6', 400],
      ['Transfer-Encoding: chunked\r\nContent-Length: 5', 400],
      ['Transfer-Encoding: chunked, identity', 501],
      ['Transfer-Encoding: xchunked', 501],
      ['Transfer-Encoding : chunked', 400],
      ['Transfer-Encoding: \vchunked', 400],
      ['Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', 400],
      ['Host: other.test', 400],
      ['X: a\r\n b', 400],
      ['X: a\nY: b', 400],
    ];
    for (const [fields, status] of cases) {
      const client = await open();
      client.send(`${head}${fields}\r\n\r\n${rest}`);
      expect([fields, (await client.response())?.status]).toEqual([fields, status]);
      expect(await client.response()).toBeUndefined();
    }
  });

  it('cannot say who it is for the container, nor take away what the container says', async () => {
    const forged =
      'X-Forwarded-For: 10.9.9.9\r\nX-Forwarded-Host: evil.test\r\nX-Forwarded-Prefix: //evil\r\nX-Forwarded-Proto: https\r\nForwarded: for=10.9.9.9\r\n';
    const listed =
      'Connection: x-forwarded-for, x-forwarded-prefix, host, cookie, x-mine, content-length, transfer-encoding\r\nCookie: a=b\r\nX-Mine: 1\r\n';
    const [response] = await send(
      `POST /plain/ HTTP/1.1\r\nHost: host.test\r\n${forged}${listed}Content-Length: 4\r\n\r\nbody`,
    );
    const { fields, body } = told(response);
    expect(body).toBe('body');
    expect(JSON.stringify(fields)).not.toMatch(/evil|10\.9|x-mine/i);
    expect(fields).toEqual([
      'Host',
      'host.test',
      'Cookie',
      'a=b',
      'Content-Length',
      '4',
      'X-Forwarded-For',
      '127.0.0.1',
      'X-Forwarded-Proto',
      'http',
      'X-Forwarded-Host',
      'host.test',
      'X-Forwarded-Prefix',
      '/plain',
    ]);
  });

  it('reaches an application only by its own path, in one spelling', async () => {
    const seen = async (path: string) => {
      const [response] = await send(get(path));
      if (response?.status !== 200)
        return `${response?.status} ${headerOf(response, 'location') ?? ''}`.trim();
      return told(response).url;
    };
    const cases: [string, string][] = [
      ['/plain', '302 /plain/'],
      ['/plain?next=1', '302 /plain/?next=1'],
      ['//plain', '302 /plain/'],
      ['//evil.test/..', '404'],
      ['//evil.test/%2e%2e', '400'],
      ['/%2f%2fevil.test', '400'],
      ['/plain//evil.test', '/evil.test'],
      ['/plainer', '404'],
      ['/PLAIN/', '404'],
      ['/express/%2e%2e/plain/x', '400'],
      ['/express/..;/plain', '400'],
      ['/express/..%5cplain', '400'],
      ['/express/../plain/x', '/x'],
      ['/plain/b%25r', '/b%25r'],
      ['/plain/a%00', '400'],
      ['/plain/%E2%82', '400'],
      ['/plain/../../x', '400'],
      ['/pl%61in/%7e', '/~'],
      ['/static/.env', '404'],
      ['/static/%2eenv', '400'],
      ['/static/node_modules/x/a.js', '404'],
      ['/halted/', '503'],
    ];
    for (const [path, expected] of cases) expect([path, await seen(path)]).toEqual([path, expected]);
    expect(told((await send(post('/plain?q', 'kept')))[0])).toMatchObject({ url: '/?q', body: 'kept' });
  });

  it('gets no body where there must be none, and its next answer behind it', async () => {
    for (const [path, method] of [
      ['/plain/?do=status&status=204', 'GET'],
      ['/plain/?do=status&status=304', 'GET'],
      ['/plain/?do=status&status=200', 'HEAD'],
      ['/static/a.txt', 'HEAD'],
    ] as const) {
      const responses = await send(
        `${method} ${path} HTTP/1.1\r\nHost: a\r\n\r\n${get('/plain/?id=next')}`,
        2,
        method,
      );
      expect(responses[0]?.body.length).toBe(0);
      expect(told(responses[1]).id).toBe('next');
    }
  });

  it('sees a wrong length as a cut or as a whole answer, never as part of the next', async () => {
    const [short] = await send(get('/plain/?do=shorter'));
    expect(short).toMatchObject({ status: 200, isComplete: false });
    const [long, next] = await send(get('/plain/?do=longer') + get('/plain/?id=next'), 2);
    expect(String(long?.body)).toBe('abc');
    expect(told(next).id).toBe('next');
  });

  it('gets 500, and nothing of it, for what is no response', async () => {
    for (const bytes of [
      'GARBAGE\r\n\r\n',
      'HTTP/1.1 200 OK\r\nX: a\u0001b\r\nContent-Length: 2\r\n\r\nok',
      'HTTP/1.1 200 OK\r\nbad name: 2\r\nContent-Length: 2\r\n\r\nok',
      'HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\nok',
      'HTTP/1.1 101 Switching Protocols\r\n\r\nEVIL',
    ]) {
      const path = `/plain/?do=raw&bytes=${encodeURIComponent(bytes)}`;
      const [response, next] = await send(get(path) + get('/plain/?id=next'), 2);
      expect([bytes, response?.status]).toEqual([bytes, 500]);
      expect(String(response?.body)).not.toMatch(/dist|node:|\.js/);
      expect(told(next).id).toBe('next');
    }
  });

  it('gets trailers and early hints', async () => {
    const [response] = await send(get('/plain/?do=trailers'));
    expect(response?.trailers).toEqual([['x-sum', '4']]);
    const [hints, final] = await send(get('/plain/?do=early&id=1'), 2);
    expect([hints?.status, headerOf(hints, 'link')]).toEqual([103, '</a.css>; rel=preload']);
    expect(told(final).id).toBe('1');
  });

  it('gets 503, 404 or 405 without 100 where nobody takes its body', async () => {
    for (const [path, status] of [
      ['/halted/', 503],
      ['/nobody/', 404],
      ['/static/', 405],
    ] as const) {
      const head = `POST ${path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n`;
      const [response] = await send(head);
      expect([path, response?.status, headerOf(response, 'connection')]).toEqual([path, status, 'close']);
    }
  });

  it('may not send more than the application allows, said or chunked', async () => {
    const long = 'x'.repeat(2000);
    expect(await statusOf(post('/small/', long))).toBe(413);
    expect(
      await statusOf(
        `POST /small/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n${long}\r\n0\r\n\r\n`,
      ),
    ).toBe(413);
    expect(await statusOf(post('/small/', long.slice(0, 1024)))).toBe(200);
  });

  it('is refused an upgrade by an answer, after which the connection goes on', async () => {
    const upgrade = 'Connection: Upgrade\r\nUpgrade: raw\r\n';
    const next = get('/plain/?id=next');
    for (const [path, status] of [
      ['/sockets/refuse', 403],
      ['/sockets/destroy', 500],
      ['/plain/?id=1', 200],
      ['/framework/?id=1', 200],
      ['/static/', 200],
      ['/halted/', 503],
    ] as const) {
      const responses = await send(get(path, upgrade) + next, 2);
      expect([path, responses[0]?.status]).toEqual([path, status]);
      expect(told(responses[1]).id).toBe('next');
    }
    const [response] = await send(
      `POST /sockets/?id=1 HTTP/1.1\r\nHost: a\r\n${upgrade}Content-Length: 4\r\n\r\nbody`,
    );
    expect(told(response)).toMatchObject({ id: '1', body: 'body' });
  });

  it('that goes away is noticed by the application, at whatever stage', async () => {
    const stages: [string, string][] = [
      ['waiting', get('/plain/?do=hang&id=waiting')],
      ['length', `POST /plain/?id=length HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\npart`],
      ['chunk', `POST /plain/?id=chunk HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9\r\npart`],
      ['streaming', get('/plain/?do=stream&id=streaming')],
      [
        'expecting',
        `POST /plain/?do=hang&id=expecting HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n`,
      ],
    ];
    for (const reset of [true, false]) {
      const names = stages.map(([name]) => `${name}-${reset}`);
      for (const [name, bytes] of stages) {
        const client = await open();
        client.send(bytes.replace(`id=${name}`, `id=${name}-${reset}`));
        if (name === 'expecting') await client.response();
        else if (name === 'streaming') await client.bytes(1);
        else await host.text('/plain/');
        if (reset) client.socket.resetAndDestroy();
        else client.socket.destroy();
      }
      await until(`the application has noticed ${names.join(', ')}`, async () => {
        const seen = JSON.parse(await host.text('/plain/?do=seen')) as string[];
        return names.every((name) => seen.includes(name)) ? true : undefined;
      });
    }
  });

  it('cannot keep half a tunnel for good', async () => {
    const client = await open();
    client.send(get('/sockets/', 'Connection: Upgrade\r\nUpgrade: raw\r\n'));
    expect((await client.response())?.status).toBe(101);
    client.send('hello');
    expect(String(await client.bytes(5))).toBe('hello');
    client.socket.end();
    await client.closing();
    const metrics = await (await host.admin('/metrics')).text();
    expect(metrics).toContain('portico_tunnels{application="sockets",context="/sockets"}');
    await until('no tunnel is open', async () =>
      /portico_tunnels\{application="sockets",context="\/sockets"\} 0\n/.test(
        await (await host.admin('/metrics')).text(),
      )
        ? true
        : undefined,
    );
  });

  it('that drips or does not read is cut; others are served meanwhile', async () => {
    const head = await open();
    head.send('GET /plain/ HT');
    const body = await open();
    body.send('POST /plain/ HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx');
    expect((await send(get('/plain/?id=other')))[0]?.status).toBe(200);
    expect((await head.response())?.status).toBe(408);
    expect((await body.response())?.status).toBe(408);
  });

  it('gets Connection: close with its last request, and 503 beyond the most connections', async () => {
    const client = await open();
    client.send(get('/static/a.txt').repeat(51));
    for (let i = 1; i <= 50; i++)
      expect(headerOf(await client.response(), 'connection')).toBe(i < 50 ? undefined : 'close');
    expect(await client.response()).toBeUndefined();
    const refused = await until('a connection is too much', async () => {
      const idle = Array.from({ length: 40 }, () => connect(host.port, '127.0.0.1'));
      await Promise.all(idle.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
      const [response] = await send(get('/static/a.txt'));
      for (const socket of idle) socket.destroy();
      return response?.status === 503 ? response : undefined;
    });
    expect(headerOf(refused, 'retry-after')).toBe('1');
    await until('connections are taken again', async () =>
      (await statusOf(get('/static/a.txt')).catch(() => 0)) === 200 ? true : undefined,
    );
  });

  it('gets what the application answered in its last moment', async () => {
    const [response] = await send(get('/last/?do=last'));
    expect([response?.status, String(response?.body)]).toEqual([200, 'last words']);
  });

  it('cannot forge a line of the access log, nor mark up an error page', async () => {
    await send(get('/plain/?a="b', 'User-Agent: x" 200 1 "\r\nReferer: \xe9"\\\r\n'));
    const log = await host.logFile('access.log', /\\x22b HTTP/);
    expect(log.split('\n').find((line) => line.includes('\\x22b'))).toMatch(
      /"GET \/plain\/\?a=\\x22b HTTP\/1\.1" 200 \d+ "\\xE9\\x22\\x5C" "x\\x22 200 1 \\x22"$/,
    );
    const [page] = await send(get('/nobody?<script>alert(1)</script>', 'Accept: text/html\r\n'));
    expect(String(page?.body)).not.toContain('<script');
  });
});
