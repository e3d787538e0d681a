import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { makeBase, TestHost } from '#test/support/host.js';
import { repositoryFolder } from '#test/support/paths.js';

const cli = join(repositoryFolder, 'dist/host/cli/main.js');
const calm = {
  'package.json': '{ "type": "module", "main": "app.js" }',
  'app.js': "export default (request, response) => response.end('calm');",
};

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function portico(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...env }, timeout: 60_000 };
    execFile(process.execPath, [cli, ...args], options, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), out, err });
    });
  });
}

describe('portico', () => {
  let host: TestHost;
  beforeAll(async () => {
    host = await TestHost.start({ apps: { calm } });
  });
  afterAll(async () => {
    await host.stop();
  });

  it('list shows each application with its state', async () => {
    const { code, out } = await portico(['list', '--base', host.base]);
    expect(code).toBe(0);
    expect(out).toMatch(/PATH +NAME +STATE/);
    expect(out).toMatch(/\/calm +calm +running +server +\d+/);
  });

  it('list --json gives what the admin API gives', async () => {
    const { out } = await portico(['list', '--json', '--base', host.base]);
    expect((JSON.parse(out) as { name: string }[]).map(({ name }) => name)).toEqual(['calm']);
  });

  it('status shows the host, and one application', async () => {
    const whole = await portico(['status', '--base', host.base]);
    expect(whole.out).toContain(`process ${host.pid}`);
    expect(whole.out).toContain(`http 0.0.0.0:${host.port}`);
    const one = await portico(['status', 'calm', '--base', host.base]);
    expect(one.out).toMatch(/\/calm +calm +running/);
  });

  it('app stops and starts one application; stopped it answers 503, not another application', async () => {
    expect((await portico(['app', 'stop', 'calm', '--base', host.base])).out).toMatch(/calm +stopped/);
    const stopped = await host.get('/calm/');
    expect(stopped.status).toBe(503);
    expect(stopped.headers.get('retry-after')).toMatch(/^\d+$/);
    expect((await portico(['app', 'start', 'calm', '--base', host.base])).out).toMatch(/calm +running/);
    expect(await host.text('/calm/')).toBe('calm');
  });

  it('app reload replaces the processes', async () => {
    const before = (await host.application('calm'))?.instances[0]?.pid;
    expect((await portico(['app', 'reload', 'calm', '--base', host.base])).code).toBe(0);
    expect((await host.application('calm'))?.instances[0]?.pid).not.toBe(before);
  });

  it('app undeploy deletes the bundle', async () => {
    host.drop('gone', calm);
    await host.untilApplication('gone', ({ state }) => state === 'running');
    expect((await portico(['app', 'undeploy', 'gone', '--base', host.base])).out).toContain(
      'undeployed gone',
    );
    expect(existsSync(join(host.base, 'apps/gone'))).toBe(false);
    expect((await host.get('/gone/')).status).toBe(404);
  });

  it('names an application that is not there', async () => {
    const { code, err } = await portico(['app', 'start', 'nobody', '--base', host.base]);
    expect(code).toBe(1);
    expect(err).toMatch(/nobody[\s\S]*PORTICO_APPLICATION_UNKNOWN/);
  });

  it('tells who starts a broken application by hand why it does not start, and what it printed', async () => {
    host.drop('broken', {
      ...calm,
      'app.js': "console.log('about to break');\nthrow new Error('no database');",
    });
    await host.untilApplication('broken', ({ state }) => state === 'failed');
    const response = await host.admin('/v1/applications/broken/start', 'POST');
    expect(response.status).toBe(422);
    const { error } = (await response.json()) as {
      error: { code: string; message: string; detail: { lastOutput: string[] } };
    };
    expect(error.code).toBe('PORTICO_START_FAILED');
    expect(error.message).toContain('no database');
    expect(error.detail.lastOutput.join('\n')).toContain('about to break');
    const { code, err } = await portico(['app', 'start', 'broken', '--base', host.base]);
    expect(code).toBe(1);
    expect(err).toMatch(/no database[\s\S]*PORTICO_START_FAILED/);
    host.remove('broken');
  });

  it('start refuses a base folder on which a server runs', async () => {
    const { code, err } = await portico(['start', '--base', host.base, '--port', '0', '--admin-port', '0']);
    expect(code).toBe(1);
    expect(err).toContain(`process ${host.pid}`);
    expect(err).toContain('PORTICO_ALREADY_RUNNING');
  });

  it('keeps the admin token to the user of the host', () => {
    expect(statSync(join(host.base, 'run/admin.token')).mode & 0o777).toBe(0o600);
    expect(statSync(join(host.base, 'run')).mode & 0o777).toBe(0o700);
  });

  it('wants the token for everything that shows or changes applications', async () => {
    const url = `http://127.0.0.1:${host.adminPort}`;
    for (const path of [
      '/v1/applications',
      '/v1/applications/calm',
      '/v1/server',
      '//v1/applications',
      '/V1/applications',
      '/v1/%61pplications',
    ]) {
      expect([401, 404]).toContain((await fetch(url + path)).status);
    }
    expect((await fetch(`${url}/v1/applications/calm/stop`, { method: 'POST' })).status).toBe(401);
    expect(
      (
        await fetch(`${url}/v1/applications/calm`, {
          method: 'DELETE',
          headers: { authorization: 'Bearer wrong' },
        })
      ).status,
    ).toBe(401);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
  });

  it('metrics count requests by application and class, cumulative across restarts of the instance', async () => {
    const count = async () => {
      const text = await (await host.admin('/metrics')).text();
      return Number(
        /^portico_requests_total\{[^}]*application="calm"[^}]*class="2xx"[^}]*\} (\d+)/m.exec(text)?.[1],
      );
    };
    await host.text('/calm/');
    const before = await count();
    expect(before).toBeGreaterThan(0);
    await portico(['app', 'reload', 'calm', '--base', host.base]);
    await host.text('/calm/');
    await host.text('/calm/');
    expect(await count()).toBe(before + 2);
  });

  it('writes the access log and the output of the application', async () => {
    host.drop('talker', {
      ...calm,
      'app.js': "console.log('talker has started');\nexport default (q, r) => r.end('x');",
    });
    await host.untilApplication('talker', ({ state }) => state === 'running');
    await host.get('/talker/"quoted%0apath"', { headers: { 'user-agent': 'test "agent"' } });
    await host.get('/talker/plain', { headers: { 'user-agent': 'test "agent"' } });
    expect(await host.logFile('talker/output.log', /talker has started/)).toContain('talker has started');
    const line = (await host.logFile('access.log', /GET \/talker\/plain/))
      .split('\n')
      .find((text) => text.includes('/talker/plain'));
    expect(line).toMatch(/^127\.0\.0\.1 .*"GET \/talker\/plain HTTP\/1\.1" 200 1 /);
    expect(line).toContain('test \\x22agent\\x22');
  });
});

describe('portico without a running host', () => {
  const bases: string[] = [];
  const baseWith = (...options: Parameters<typeof makeBase>) => {
    const base = makeBase(...options);
    bases.push(base);
    return base;
  };
  afterAll(() => {
    for (const base of bases) rmSync(base, { recursive: true, force: true });
  });

  it('is a program of its own, as npx runs it', async () => {
    const program = join(repositoryFolder, 'dist/host/cli/main.js');
    const { stdout } = await promisify(execFile)(program, ['--help']);
    expect(stdout).toMatch(/^Usage: portico/);
  });

  it('says that no host runs', async () => {
    const { code, err } = await portico(['list', '--base', baseWith({})]);
    expect(code).toBe(1);
    expect(err).toContain('PORTICO_NOT_RUNNING');
  });

  it('starts no host on a base folder that is not there, and makes none', async () => {
    const base = join(baseWith({}), 'typo');
    for (const command of ['start', 'list', 'validate']) {
      const { code, err } = await portico([command, '--base', base]);
      expect([code, err]).toEqual([2, expect.stringMatching(/typo.*portico init.*PORTICO_BASE_MISSING/)]);
    }
    expect(existsSync(base)).toBe(false);
  });

  it.each([
    [
      'an unknown key',
      'connectors:\n  - prot: 8080\n',
      /host\.yaml:2:5[\s\S]*connectors\[0\]\.prot[\s\S]*port/,
    ],
    ['a wrong type', 'admin: { port: many }\n', /host\.yaml:1:\d+[\s\S]*admin\.port/],
    ['a wrong unit', 'shutdownTimeout: 30\n', /shutdownTimeout[\s\S]*30s/],
    ['an unset variable', `folders: { apps: "$\{NO_SUCH_VARIABLE}" }\n`, /NO_SUCH_VARIABLE/],
    ['a duplicate key', 'admin: {}\nadmin: {}\n', /host\.yaml:2:1[\s\S]*admin/],
    ['no YAML', '{ this is [ not\n', /host\.yaml:\d+:\d+/],
  ])('refuses a configuration with %s: exit code 2, file, line and path', async (_name, config, message) => {
    for (const command of ['validate', 'start']) {
      const { code, err } = await portico([command, '--base', baseWith({ config })]);
      expect(code).toBe(2);
      expect(err).toMatch(message);
    }
  });

  it('refuses a port in use with exit code 3, naming it', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const taken = await portico([
      'start',
      '--base',
      baseWith({}),
      '--host',
      '127.0.0.1',
      '--port',
      String(port),
      '--admin-port',
      '0',
    ]);
    expect(taken.code).toBe(3);
    expect(taken.err).toMatch(new RegExp(`${port}[\\s\\S]*PORTICO_PORT_IN_USE`));
    const admin = await portico(['start', '--base', baseWith({}), '--port', '0'], {
      PORTICO_ADMIN_PORT: String(port),
    });
    expect(admin.code).toBe(3);
    server.close();
  });

  it('start serves on when nobody reads its log any more; other commands end without a stack', async () => {
    const host = await TestHost.start({ apps: { calm } });
    try {
      host.process.stdout?.destroy();
      host.process.stderr?.destroy();
      // Each says so in the log.
      for (let i = 0; i < 2; i++) expect((await portico(['reload', '--base', host.base])).code).toBe(0);
      expect(await host.text('/calm/')).toBe('calm');
      const child = spawn(process.execPath, [cli, 'validate', '--base', host.base]);
      child.stdout.destroy();
      let said = '';
      child.stderr.on('data', (text) => {
        said += String(text);
      });
      const [code] = (await once(child, 'close')) as [number];
      expect([code, said]).toEqual([1, '']);
    } finally {
      await host.stop();
    }
  });

  it('refuses a port that is no port', async () => {
    expect((await portico(['start', '--port', '70000'])).code).toBe(2);
  });

  it('validate names what is wrong with each bundle and starts nothing', async () => {
    const base = baseWith({ apps: { calm, 'bad##': calm, empty: { 'x.txt': '' } } });
    const { code, out } = await portico(['validate', '--base', base]);
    expect(code).toBe(2);
    expect(out).toMatch(/ok +"calm": main at \/calm/);
    expect(out).toMatch(/wrong "empty": /);
    expect(out).toMatch(/wrong "bad##": /);
    expect(existsSync(join(base, 'run/server.json'))).toBe(false);
  });

  it('validate reads the certificates that host.yaml names', async () => {
    const base = baseWith({ apps: { calm } });
    expect((await portico(['cert', '--out', join(base, 'certs')])).code).toBe(0);
    const tls = (key: string) =>
      `connectors:\n  - { name: https, port: 0, tls: { certificates: [{ cert: certs/localhost.crt, key: ${key} }] } }\n`;
    writeFileSync(join(base, 'host.yaml'), tls('certs/localhost.key'));
    const good = await portico(['validate', '--base', base]);
    expect(good).toMatchObject({ code: 0, err: '' });
    expect(good.out).toMatch(/^ok +"https": certificates for localhost$/m);
    writeFileSync(join(base, 'host.yaml'), tls('certs/absent.key'));
    const wrong = await portico(['validate', '--base', base]);
    expect(wrong.code).toBe(2);
    expect(wrong.out).toMatch(
      /^wrong "https": .*host\.yaml:2:\d+: .*absent\.key cannot be read: it is not there/m,
    );
    expect(wrong.out).toMatch(/^ok +"calm"/m);
    expect(wrong.err).toContain('1 connector has certificates that cannot be used');
  });

  it('validate sees descriptors as the deployer does: without a bundle, for one elsewhere, for a path that is taken', async () => {
    const base = baseWith({
      apps: {
        calm,
        'first.yaml': { '': 'portico: { servlet: { context: /shared }, bundle: calm }\n' },
        'gone.yml': { '': 'portico: { bundle: nowhere }\n' },
        'lonely.yaml': { '': 'portico: { servlet: { instances: 2 } }\n' },
        'second.yaml': { '': 'portico: { servlet: { context: /shared }, bundle: calm }\n' },
        'there.yaml': { '': 'portico: { application: { upstream: "http://127.0.0.1:9" } }\n' },
        'typing.yaml': { '': 'portico: { servlet: { instnces: 2 } }\n' },
        'wrong.yaml': { '': 'portico: { application: { upstream: "ftp://127.0.0.1" } }\n' },
      },
    });
    const { code, out, err } = await portico(['validate', '--base', base]);
    expect(out).toMatch(/^ok +"first": main at \/shared$/m);
    expect(out).toMatch(/^ok +"there": upstream at \/there$/m);
    expect(out).toMatch(/^wrong "gone": .*nowhere/m);
    expect(out).toMatch(/^wrong "lonely": .*bundle/m);
    expect(out).toMatch(/^wrong "second": \/shared is taken by first/m);
    expect(out).toMatch(/^wrong "typing": .*typing\.yaml:1:\d+: .*did you mean "instances"/m);
    expect(out).toMatch(/^wrong "wrong": .*ftp:/m);
    expect(err).toContain('5 entries');
    expect(code).toBe(2);
  });

  it('init makes a base folder that starts and answers, and refuses a folder that holds something', async () => {
    const parent = baseWith({});
    const base = join(parent, 'new');
    expect((await portico(['init', base])).code).toBe(0);
    const host = await TestHost.startOn(base);
    try {
      expect(await host.text('/hello/')).toContain('Hello from Portico');
      expect((await portico(['stop', '--base', base])).out).toContain('stopped');
      expect(await host.end()).toBe(0);
    } finally {
      await host.end('SIGKILL');
    }
    expect((await portico(['init', base])).err).toContain('PORTICO_FOLDER_NOT_EMPTY');
  });

  it('runs and says so when the drop folder is missing', async () => {
    const base = baseWith({});
    rmSync(join(base, 'apps'), { recursive: true });
    const host = await TestHost.startOn(base);
    try {
      expect(host.log).toMatch(/apps/);
      expect((await host.admin('/health/live')).status).toBe(200);
      mkdirSync(join(base, 'apps/late'), { recursive: true });
      writeFileSync(join(base, 'apps/late/index.html'), '<title>late</title>');
      await host.untilApplication('late', ({ state }) => state === 'running');
    } finally {
      await host.end();
    }
  });

  it('prints its version', async () => {
    const { version } = JSON.parse(readFileSync(join(repositoryFolder, 'package.json'), 'utf8')) as {
      version: string;
    };
    expect((await portico(['--version'])).out.trim()).toBe(version);
  });
});
