import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { WebSocket } from 'ws';
import { childrenOf } from '#test/bench/memory.js';
import { type BundleContent, makeBase, TestHost } from '#test/support/host.js';
import { isAlive, until } from '#test/support/polling.js';

const node = process.execPath;
const python = spawnSync('python3', ['--version']).status === 0;
if (!python) console.warn('python3 is not on this machine: the tests with a Python server are skipped');

/** `application.yaml` of a program. */
const command = (words: readonly string[], more = '', servlet = ''): string =>
  `portico: { application: { command: ${JSON.stringify(words)}${more} }, servlet: { start: { timeout: 20s }${servlet} } }\n`;

const SERVER = `
import { createServer } from 'node:http';
const kept = [];
const server = createServer((request, response) => {
  if (request.url === '/moved') response.writeHead(302, { location: '/there' });
  if (request.url === '/crash') process.exit(3);
  if (request.url === '/hoard') kept.push(Buffer.alloc(300 * 1024 * 1024, 1));
  const { PORT, PORTICO_SOCKET, PORTICO_CONTEXT_PATH } = process.env;
  const { url, headers } = request;
  const prefix = headers['x-forwarded-prefix'];
  response.end(JSON.stringify({ url, prefix, PORT, PORTICO_SOCKET, PORTICO_CONTEXT_PATH, pid: process.pid }));
});
server.on('upgrade', (request, socket) => {
  socket.end('HTTP/1.1 426 Upgrade Required\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n');
});
server.listen(process.env.PORTICO_SOCKET ?? Number(process.env.PORT));
`;

const apps: Record<string, BundleContent> = {
  porter: { 'application.yaml': command([node, 'server.mjs']), 'server.mjs': SERVER },
  socketeer: {
    'application.yaml': command(
      [node, 'server.mjs'],
      ', listen: socket',
      ', instances: 2, health: { path: /moved }',
    ),
    'server.mjs': SERVER,
  },
  keeper: { 'application.yaml': command([node, 'server.mjs'], '', ', prefix: keep'), 'server.mjs': SERVER },
  script: {
    'application.yaml': command(['sh', 'run.sh', 'one argument', 'a $HOME']),
    'run.sh': `echo "arguments: $#, $2"\n"${node}" server.mjs`,
    'server.mjs': SERVER,
  },
  hoarder: {
    'application.yaml': command(
      ['sh', '-c', `"${node}" server.mjs & wait`],
      '',
      ', limits: { memory: 200MiB }',
    ),
    'server.mjs': SERVER,
  },
  stubborn: {
    'application.yaml': command([node, 'server.mjs'], '', ', stop: { timeout: 500ms }'),
    'server.mjs': `process.on('SIGTERM', () => console.log('ignored'));\n${SERVER}`,
  },
  parent: {
    'application.yaml': command([node, 'server.mjs']),
    'server.mjs': `import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
writeFileSync('child.pid', String(child.pid));
${SERVER}`,
  },
};
if (python)
  apps['snake'] = {
    'application.yaml': command(['python3', 'app.py'], '', ', limits: { body: 1MiB }'),
    'app.py': `import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        self.answer(self.path.encode())
    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers['content-length'])))
    def answer(self, body):
        self.send_response(200)
        self.send_header('content-length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

print('python is here', flush=True)
ThreadingHTTPServer(('127.0.0.1', int(os.environ['PORT'])), Handler).serve_forever()
`,
  };

describe('a command', () => {
  let host: TestHost;
  beforeAll(async () => {
    const config = `
deployer: { stabilityWindow: 200ms, scanInterval: 300ms }
applications: { restart: { minDelay: 100ms, maxDelay: 500ms, maxCrashes: 4, window: 60s } }
`;
    host = await TestHost.start({ config, apps });
  }, 120_000);
  afterAll(async () => {
    await host.stop();
  });

  const facts = async (path: string): Promise<Record<string, string | number>> =>
    (await (await host.get(path)).json()) as Record<string, string | number>;
  const pidOf = async (name: string): Promise<number> =>
    (await host.application(name))?.instances[0]?.pid ?? 0;
  const failed = async (name: string, content: BundleContent) => {
    host.drop(name, content);
    const { reason, lastOutput } = await host.untilApplication(name, ({ state }) => state === 'failed');
    return `${reason}\n${lastOutput.join('\n')}`;
  };

  (python ? it : it.skip)('may be a Python server', async () => {
    expect(await host.text('/snake/a%20b?c=d')).toBe('/a%20b?c=d');
    const body = 'x'.repeat(500_000);
    expect(await (await host.get('/snake/', { method: 'POST', body })).text()).toBe(body);
    // On a connection of its own: the host closes it.
    const tooMuch = request(host.url('/snake/'), { method: 'POST', agent: false });
    tooMuch.setHeader('content-length', 2 ** 21);
    tooMuch.flushHeaders();
    const [refusal] = (await once(tooMuch, 'response')) as [IncomingMessage];
    tooMuch.destroy();
    expect(refusal.statusCode).toBe(413);
    expect((await host.application('snake'))?.kind).toBe('command');
    await host.logFile('snake/output.log', /python is here/);
    expect((await host.application('snake'))?.instances[0]?.rssBytes).toBeGreaterThan(2 ** 20);
  });

  it('gets a port of its own, and the context path as every application', async () => {
    const got = await facts('/porter/x');
    expect(got).toMatchObject({ url: '/x', prefix: '/porter', PORTICO_CONTEXT_PATH: '/porter' });
    expect(Number(got['PORT'])).toBeGreaterThan(0);
    expect(got['PORTICO_SOCKET']).toBeUndefined();
    expect((await host.get('/porter/moved')).headers.get('location')).toBe('/porter/there');
    expect(await facts('/keeper/x')).toMatchObject({ url: '/keeper/x' });
  });

  it('listens on a Unix socket, with several instances, behind a health gate', async () => {
    const [one, two] = [await facts('/socketeer/'), await facts('/socketeer/')];
    expect(one['PORT']).toBeUndefined();
    expect(new Set([one['pid'], two['pid']]).size).toBe(2);
    expect(one['PORTICO_SOCKET']).toMatch(/\.sock$/);
    expect(existsSync(String(one['PORTICO_SOCKET']))).toBe(true);
  });

  it('carries WebSockets, or the refusal of one', async () => {
    const socket = new WebSocket(host.url('/porter/').replace('http', 'ws'));
    const status = await new Promise((resolve) => {
      socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
      socket.on('error', () => undefined);
    });
    expect(status).toBe(426);
    socket.terminate();
  });

  it('may be a shell script; its arguments are not taken apart', async () => {
    expect((await host.get('/script/')).status).toBe(200);
    await host.logFile('script/output.log', /arguments: 2, a \$HOME/);
  });

  it('is started again when it ends', async () => {
    const pid = await pidOf('porter');
    expect((await host.get('/porter/crash')).status).toBe(502);
    await host.untilApplication(
      'porter',
      ({ state, instances }) => state === 'running' && instances[0]?.pid !== pid,
    );
    await until('it answers', async () => (await host.get('/porter/')).status === 200);
    expect(host.log).toMatch(/exited with code 3/);
  });

  it('is killed when it and what it started use too much memory', async () => {
    await host.get('/hoarder/hoard');
    await host.untilApplication('hoarder', ({ instances }) => (instances[0]?.restarts ?? 0) > 0);
    expect(host.log).toMatch(/hoarder[^\n]*limits\.memory is 200MiB/);
  });

  it('is killed when it ignores SIGTERM', async () => {
    const pid = await pidOf('stubborn');
    expect((await host.admin('/v1/applications/stubborn/stop', 'POST')).status).toBe(200);
    await until('it is gone', () => !isAlive(pid));
    await host.logFile('stubborn/output.log', /ignored/);
  });

  it('leaves no children behind, in whatever session they are', async () => {
    await host.untilApplication('parent', ({ state }) => state === 'running');
    const files = readFileSync(`/proc/${await pidOf('parent')}/cwd/child.pid`, 'utf8');
    expect(isAlive(Number(files))).toBe(true);
    expect((await host.admin('/v1/applications/parent/stop', 'POST')).status).toBe(200);
    await until('its child is gone', () => !isAlive(Number(files)));
  });

  it.each<[string, string, BundleContent, RegExp]>([
    [
      'never listens',
      'deaf',
      { 'application.yaml': command(['sleep', '600']).replace('20s', '1s') },
      /timeout.*accepted no connection on port \d+ of 127\.0\.0\.1 \(PORT\)/s,
    ],
    [
      'exits at once',
      'brief',
      { 'application.yaml': command(['sh', '-c', 'echo no database >&2; exit 4']) },
      /exited with code 4.*no database/s,
    ],
    [
      'is not found',
      'absent',
      { 'application.yaml': command(['no-such-program']) },
      /is in no folder of PATH/,
    ],
    [
      'is not executable',
      'plain',
      { 'application.yaml': command(['/etc/passwd']) },
      /\/etc\/passwd is not an executable file/,
    ],
    ['is a folder', 'folder', { 'application.yaml': command(['/etc']) }, /not an executable file/],
    [
      'is no program',
      'text',
      { 'application.yaml': command(['./run']), run: 'neither binary nor script' },
      /not executable: chmod/,
    ],
  ])('fails with the reason when it %s', async (_what, name, content, reason) => {
    expect(await failed(name, content)).toMatch(reason);
    expect((await host.get(`/${name}/`)).status).toBe(503);
    expect((await host.get('/keeper/')).status).toBe(200);
  });

  it('never sends requests to another process that took its port', async () => {
    const content = {
      'application.yaml': command([node, 'thief.mjs']).replace('20s', '2s'),
      // The one that listens is of another session: not what was started.
      'thief.mjs': `import { spawn } from 'node:child_process';
spawn(process.execPath, ['server.mjs'], { detached: true, stdio: 'ignore' });
setInterval(() => undefined, 1000);`,
      'server.mjs': SERVER,
    };
    expect(await failed('thief', content)).toMatch(/another process listens on port/);
  });
});

it('is executable in the bundle when it is in the drop folder, and ends with the host', async () => {
  const base = makeBase({
    config: 'deployer: { stabilityWindow: 200ms, scanInterval: 300ms }\n',
    apps: {
      own: {
        'application.yaml': command(['./run.sh']),
        'run.sh': `#!/bin/sh\nexec "${node}" server.mjs`,
        'server.mjs': SERVER,
      },
    },
  });
  chmodSync(join(base, 'apps/own/run.sh'), 0o755);
  const host = await TestHost.startOn(base);
  expect((await host.get('/own/')).status).toBe(200);
  const pid = (await host.application('own'))?.instances[0]?.pid ?? 0;
  expect(childrenOf(host.pid)).toContain(pid);
  await host.stop();
  expect(isAlive(pid)).toBe(false);
});

it('ends with a host that is killed and does not come back, with what it has started', async () => {
  const config = 'deployer: { stabilityWindow: 200ms, scanInterval: 300ms }\n';
  const { stubborn, script } = apps;
  if (stubborn === undefined || script === undefined) throw new Error('they are above');
  const host = await TestHost.start({ config, apps: { stubborn, script } });
  const started: number[] = [];
  for (const name of ['stubborn', 'script']) {
    const { pid } = (await (await host.get(`/${name}/`)).json()) as { pid: number };
    started.push(pid, (await host.application(name))?.instances[0]?.pid ?? 0);
  }
  await host.end('SIGKILL');
  await until('none of them is left', () => !started.some((pid) => isAlive(pid)));
  await host.stop();
});
