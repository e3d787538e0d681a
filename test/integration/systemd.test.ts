import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { makeBase, TestHost } from '#test/support/host.js';
import { until, WAIT_MS } from '#test/support/polling.js';

const environment = {
  'package.json': '{ "main": "app.js" }',
  'app.js': 'module.exports = (q, r) => r.end(JSON.stringify(Object.keys(process.env)));',
};
const quick = 'deployer: { stabilityWindow: 200ms, scanInterval: 300ms }\n';

let place = '';
let host: TestHost | undefined;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'portico-systemd-'));
});
afterEach(async () => {
  await host?.stop();
  host = undefined;
  rmSync(place, { recursive: true, force: true });
});

/** What systemd does in the process that becomes the service. */
const AS_SERVICE = ['/bin/sh', '-c', 'LISTEN_PID=$$ exec "$@"', 'sh'];

const descriptorOf = (server: Server): number =>
  (server as unknown as { _handle: { fd: number } })._handle.fd;

function getOn(socketPath: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { socketPath, path: '/environment/', agent: false, timeout: WAIT_MS },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      },
    );
    outgoing.on('error', reject);
    outgoing.end();
  });
}

describe('sockets of systemd', () => {
  it('are served, and nobody below the host knows of them', async () => {
    const path = join(place, 'a.sock');
    const tcp = createServer().listen(0, '127.0.0.1');
    const unix = createServer().listen(path);
    await Promise.all([once(tcp, 'listening'), once(unix, 'listening')]);
    const { port } = tcp.address() as { port: number };
    const base = makeBase({
      apps: { environment },
      config: `${quick}connectors: [{ name: local, systemd: local }, { name: web, systemd: web }]\n`,
    });
    const started = TestHost.startOn(base, { LISTEN_FDS: '2', LISTEN_FDNAMES: 'web:local' }, AS_SERVICE, [
      descriptorOf(tcp),
      descriptorOf(unix),
    ]);
    // Now only the host has them. Node would remove the file with its own end.
    renameSync(path, `${path}.kept`);
    tcp.close();
    unix.close();
    renameSync(`${path}.kept`, path);
    host = await started;

    const names = (await (await fetch(`http://127.0.0.1:${port}/environment/`)).json()) as string[];
    expect(names.filter((name) => /LISTEN|NOTIFY|WATCHDOG/.test(name))).toEqual([]);
    expect(await getOn(path)).toBe(200);
    const { server } = (await (await host.admin('/v1/server')).json()) as {
      server: { connectors: object[] };
    };
    expect(server.connectors).toEqual([
      { name: 'local', host: '', port: 0, socket: 'systemd:local' },
      { name: 'web', host: '127.0.0.1', port },
    ]);
    await host.end();
    // The file is systemd's, as the socket is.
    expect(existsSync(path)).toBe(true);
  });

  it('that are not there are an error that says what there is', async () => {
    const base = makeBase({ config: `${quick}connectors: [{ systemd: web }]\n` });
    await expect(TestHost.startOn(base)).rejects.toThrow(
      /wants a socket that systemd calls "web", but systemd has passed none.*\[PORTICO_SYSTEMD_SOCKET\]/,
    );
    rmSync(base, { recursive: true });
  });
});

describe('the state of the service', () => {
  it('is told to systemd: ready when it listens, alive, stopping', async () => {
    const said = join(place, 'said');
    const program = join(place, 'systemd-notify');
    writeFileSync(program, `#!/bin/sh\necho "$NOTIFY_SOCKET $*" >> ${said}\n`);
    chmodSync(program, 0o755);
    const base = makeBase({
      apps: { environment, broken: { 'package.json': '{ "main": "missing.js" }' } },
      config: quick,
    });
    host = await TestHost.startOn(base, {
      PATH: `${place}:${process.env['PATH']}`,
      NOTIFY_SOCKET: '@portico-test',
      WATCHDOG_USEC: '400000',
    });
    const names = (await (await host.get('/environment/')).json()) as string[];
    expect(names.filter((name) => /LISTEN|NOTIFY|WATCHDOG/.test(name))).toEqual([]);
    const lines = (): string[] => readFileSync(said, 'utf8').trim().split('\n');
    await until(
      'it is alive',
      () => lines().filter((line) => line === '@portico-test WATCHDOG=1').length >= 3,
    );
    await host.end();
    expect(lines()[0]).toBe('@portico-test READY=1 STATUS=listening; applications are starting');
    expect(lines()).toContain('@portico-test STATUS=ready; 2 applications, 1 of them failed');
    expect(lines()).toContain('@portico-test STOPPING=1 STATUS=finishing what is in flight');
  });

  it('that cannot be told is a warning, once', async () => {
    const program = join(place, 'systemd-notify');
    writeFileSync(program, '#!/bin/sh\necho "no such thing" >&2; exit 1\n');
    chmodSync(program, 0o755);
    host = await TestHost.startOn(makeBase({ config: quick }), {
      PATH: `${place}:${process.env['PATH']}`,
      NOTIFY_SOCKET: '/nowhere',
    });
    const { log } = host;
    expect(log).toContain('systemd was not told READY=1: no such thing. Install systemd-notify');
    await host.end();
    expect(host.log.match(/systemd was not told/g)).toHaveLength(1);
  });

  const canBeHeard = hasProgram('systemd-notify') && hasProgram('python3');
  (canBeHeard ? it : it.skip)('arrives as systemd reads it (needs systemd-notify and python3)', async () => {
    const path = join(place, 'notify');
    // Node has no sockets of this kind.
    const receiver = spawn(
      'python3',
      [
        '-c',
        `import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('up', flush=True)
while True:
    data, fds, flags, address = socket.recv_fds(s, 4096, 4)
    print(data.decode().replace('\\n', ' '), flush=True)
    for fd in fds: os.close(fd)`,
        path,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let heard = '';
    receiver.stdout.on('data', (text) => {
      heard += text;
    });
    try {
      await until('the receiver is up', () => heard.includes('up'));
      host = await TestHost.startOn(makeBase({ config: quick }), { NOTIFY_SOCKET: path });
      await until('it is ready', () => heard.includes('READY=1 STATUS=listening; applications are starting'));
      await host.end();
      await until('it stops', () => heard.includes('STOPPING=1'));
    } finally {
      receiver.kill('SIGKILL');
    }
  });
});

function hasProgram(name: string): boolean {
  try {
    execFileSync(name, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
