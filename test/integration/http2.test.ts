import { once } from 'node:events';
import type { ClientHttp2Stream } from 'node:http2';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestHost } from '#test/support/host.js';
import { Http2Client, readResponse } from '#test/support/http2/http2-client.js';

const apps = {
  plain: {
    'package.json': '{ "type": "module", "main": "app.js" }',
    'app.js': `import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
const server = createServer((req, res) => {
  let size = 0;
  req.on('data', (chunk) => { size += chunk.length; });
  req.on('end', () => {
    res.setHeader('x-cookie', req.headers.cookie ?? 'none');
    res.setHeader('connection', 'close');
    res.writeHead(200, { trailer: 'x-sum' });
    res.write(JSON.stringify({ method: req.method, url: req.url, host: req.headers.host, version: req.httpVersion, size }));
    res.addTrailers({ 'x-sum': String(size) });
    res.end();
  });
});
new WebSocketServer({ server }).on('connection', (socket) => socket.on('message', (text) => socket.send('got ' + text)));
server.listen(0);
`,
  },
  own: {
    'application.yaml': 'portico: { application: { modules: ["app.mjs#app"] } }\n',
    'app.mjs': `import { routing } from 'portico';
import { WebSockets, webSocket } from 'portico/plugins/web-sockets';
export function app(application) {
  application.install(WebSockets);
  routing(application, (route) => {
    route.get('/version', (call) => call.respondText(call.request.version));
    route.post('/echo', async (call) => call.respondText(await call.receiveText()));
    route.get('/big', (call) => call.respondBytes(Buffer.alloc(3_000_000, 'a')));
    webSocket(route, '/socket', async (session) => {
      for await (const message of session.incoming) await session.send('got ' + message.text);
    });
  });
}
`,
  },
};

describe('a host that speaks HTTP/2', () => {
  let host: TestHost;
  let client: Http2Client;
  beforeAll(async () => {
    host = await TestHost.start({ apps, config: 'connectors: [{ http2: { enabled: true } }]\n' });
    client = await Http2Client.open(host.port);
  });
  afterAll(async () => {
    client.close();
    await host.stop();
  });

  it('gives a request to any Node server as one of HTTP/1.1', async () => {
    const response = await client.request(
      { ':method': 'POST', ':path': '/plain/a?b=1', cookie: ['a=1', 'b=2'], ':authority': 'shop.example' },
      Buffer.alloc(2_000_000),
    );
    expect(response.status).toBe(200);
    expect(JSON.parse(response.body)).toEqual({
      method: 'POST',
      url: '/a?b=1',
      host: 'shop.example',
      version: '1.1',
      size: 2_000_000,
    });
    expect(response.headers['x-cookie']).toBe('a=1; b=2');
    expect(response.headers['connection']).toBeUndefined();
    expect(response.trailers).toMatchObject({ 'x-sum': '2000000' });
  });

  it('gives a request to the framework, many at a time', async () => {
    const echoes = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        client.request({ ':method': 'POST', ':path': '/own/echo' }, `body ${i}`),
      ),
    );
    expect(echoes.map(({ body }) => body)).toEqual(Array.from({ length: 50 }, (_, i) => `body ${i}`));
    expect((await client.request({ ':path': '/own/big' })).body.length).toBe(3_000_000);
  });

  it('serves HTTP/1.1 on the same port', async () => {
    expect((await host.get('/own/echo', { method: 'POST', body: 'one' })).status).toBe(200);
  });

  it.each(['/plain', '/own/socket'])('carries WebSockets to %s', async (path) => {
    const stream = client.start(
      { ':method': 'CONNECT', ':protocol': 'websocket', ':path': path, 'sec-websocket-version': '13' },
      false,
    );
    const [headers] = (await once(stream, 'response')) as [{ ':status': number }];
    expect(headers[':status']).toBe(200);
    stream.write(textFrame('hello'));
    expect(await readText(stream)).toBe('got hello');
    stream.close();
  });

  it('answers what no application answers', async () => {
    expect((await client.request({ ':path': '/nothing' })).status).toBe(404);
    const refused = await readResponse(client.start({ ':path': '/own/%00' }));
    expect(refused.status).toBe(400);
  });

  it('writes the version into the access log, and counts', async () => {
    await client.request({ ':path': '/own/version' });
    const log = await host.logFile('access.log', /GET \/own\/version HTTP\/2\.0/);
    expect(log).toMatch(/"GET \/own\/version HTTP\/2\.0" \d+/);
    expect(log).toMatch(/"GET \/own\/%00 HTTP\/2\.0" 400/);
  });
});

/** A text frame of a client with a mask of zeros (RFC 6455 §5.2). */
function textFrame(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
}

/** The text of the next frame, which is short. */
async function readText(stream: ClientHttp2Stream): Promise<string> {
  let bytes = Buffer.alloc(0);
  for (;;) {
    const [chunk] = (await once(stream, 'data')) as [Buffer];
    bytes = Buffer.concat([bytes, chunk]);
    const length = bytes[1] ?? 127;
    if (bytes.length >= 2 + length) return bytes.toString('utf8', 2, 2 + length);
  }
}
