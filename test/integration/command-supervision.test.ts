import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { WebSocket } from 'ws';
import { type BundleContent, TestHost } from '#test/support/host.js';
import { until } from '#test/support/polling.js';

const python = spawnSync('python3', ['--version']).status === 0;
if (!python) console.warn('python3 is not on this machine: the tests with a Python server are skipped');

/** Says its version; echoes WebSocket messages; hangs, stands still and ends when it is told to. */
const node = (version = '1'): string => `
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
const acts = {
  '/hang': () => { for (;;); },
  '/stop': () => process.kill(process.pid, 'SIGSTOP'),
  '/crash': () => process.exit(3),
};
const server = createServer((request, response) => {
  acts[request.url]?.();
  response.end('node ${version} ' + process.pid);
});
new WebSocketServer({ server }).on('connection', (socket) => {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});
server.listen(process.env.PORTICO_SOCKET ?? Number(process.env.PORT));
`;

/** The same in Python, with nothing but its standard library (RFC 6455, short frames). */
const snake = (version = '1'): string => `
import base64, hashlib, os, signal, struct, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        if self.headers.get('upgrade', '').lower() == 'websocket':
            return self.echo()
        if self.path == '/crash':
            os._exit(3)
        body = ('python ${version} %d' % os.getpid()).encode()
        self.send_response(200)
        self.send_header('content-length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def echo(self):
        key = self.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
        self.send_response(101)
        self.send_header('upgrade', 'websocket')
        self.send_header('connection', 'upgrade')
        self.send_header('sec-websocket-accept', base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        while True:
            head = self.rfile.read(2)
            if len(head) < 2:
                break
            length = head[1] & 127
            if length == 126:
                length = struct.unpack('>H', self.rfile.read(2))[0]
            mask = self.rfile.read(4)
            data = bytes(byte ^ mask[i % 4] for i, byte in enumerate(self.rfile.read(length)))
            size = bytes([length]) if length < 126 else bytes([126]) + struct.pack('>H', length)
            self.wfile.write(bytes([head[0]]) + size + data)
            self.wfile.flush()
            if head[0] & 15 == 8:
                break
        self.close_connection = True
    def log_message(self, *args):
        pass

print('python ${version} listens', flush=True)
ThreadingHTTPServer(('127.0.0.1', int(os.environ['PORT'])), Handler).serve_forever()
`;

const program = (words: readonly string[], more: string, servlet: string, file: string): BundleContent => ({
  'application.yaml': `portico: { application: { command: ${JSON.stringify(words)}${more} }, servlet: { ${servlet} } }\n`,
  [words[1] ?? '']: file,
});
const soon = 'interval: 200ms, timeout: 1s, failures: 2';
const snakeBundle = (version: string): BundleContent =>
  program(['python3', 'app.py'], '', 'start: { timeout: 20s }, drain: { timeout: 5s }', snake(version));

describe('a program without an agent', () => {
  let host: TestHost;
  beforeAll(async () => {
    const config = `
deployer: { stabilityWindow: 200ms, scanInterval: 300ms }
applications: { restart: { minDelay: 300ms, maxDelay: 600ms, maxCrashes: 10 }, probation: { window: 0s } }
`;
    const run = [process.execPath, 'server.mjs'];
    const apps: Record<string, BundleContent> = {
      asked: program(run, '', `liveness: { path: /alive, ${soon} }`, node()),
      unasked: program(run, ', listen: socket', `liveness: { ${soon} }`, node()),
    };
    if (python) apps['snake'] = snakeBundle('1');
    host = await TestHost.start({ config, apps });
  }, 120_000);
  afterAll(async () => {
    await host.stop();
  });

  const replaced = async (name: string, act: string): Promise<string> => {
    const pid = (await host.application(name))?.instances[0]?.pid;
    const answer = host.get(`/${name}${act}`).catch(() => undefined);
    const { instances } = await host.untilApplication(
      name,
      ({ state, instances }) => state === 'running' && instances[0]?.pid !== pid,
    );
    await answer;
    await until('it answers', async () => (await host.get(`/${name}/`)).status === 200);
    return instances[0]?.lastCrash?.reason ?? '';
  };

  it('is replaced when it does not answer any more, and the event is that of a blocked event loop', async () => {
    expect(await replaced('asked', '/hang')).toMatch(
      /^gave no sign of life 2 times in a row \(GET \/alive: no answer within 1000 ms\) and was killed$/,
    );
    const events = await (await host.admin('/v1/events?application=asked')).text();
    expect(events).toMatch(/"event":"hang"/);
  });

  it('is replaced when it is suspended, though the system accepts connections for it', async () => {
    expect(await replaced('unasked', '/stop')).toMatch(/it is suspended/);
  });

  const programs = ['asked', 'unasked', ...(python ? ['snake'] : [])];

  it.each(programs)('/%s: a request that comes while it starts again waits', async (name) => {
    const crashed = await host.get(`/${name}/crash`);
    expect(crashed.status).toBe(502);
    await until('its end is known', async () => (await host.application(name))?.state !== 'running');
    expect((await host.get(`/${name}/`)).status).toBe(200);
  });

  it.each(programs)('/%s: carries WebSockets, both ways, to their end', async (name) => {
    const socket = new WebSocket(host.url(`/${name}/`).replace('http', 'ws'));
    await once(socket, 'open');
    for (const message of ['hello', 'x'.repeat(10_000), '']) {
      socket.send(message);
      const [data] = (await once(socket, 'message')) as [Buffer];
      expect(String(data)).toBe(message);
    }
    socket.close(1000);
    const [code] = (await once(socket, 'close')) as [number];
    expect(code).toBe(1000);
  });

  (python ? it : it.skip)('loses no request when it is redeployed under load', async () => {
    const failed: string[] = [];
    let isOver = false;
    let requests = 0;
    const client = async (): Promise<void> => {
      while (!isOver) {
        const text = await host.text('/snake/').catch((error: unknown) => String(error));
        requests += 1;
        if (!text.startsWith('python')) failed.push(text);
      }
    };
    const clients = [client(), client(), client(), client()];
    host.drop('snake', snakeBundle('2'));
    await until('the new one answers', async () => (await host.text('/snake/')).startsWith('python 2'));
    const before = requests;
    await until('they have gone on for a while', () => requests > before + 50);
    isOver = true;
    await Promise.all(clients);
    expect(failed).toEqual([]);
    await host.logFile('snake/output.log', /python 2 listens/);
  });
});
