import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type BundleContent, makeBase, TestHost } from '#test/support/host.js';
import { until } from '#test/support/polling.js';

const isRoot = process.geteuid?.() === 0;
const withPermissions = ['--permission', '--experimental-permission'].some((option) =>
  process.allowedNodeEnvironmentFlags.has(option),
);
const canRefuseNet = process.allowedNodeEnvironmentFlags.has('--allow-net');
if (!isRoot) console.warn('not root: processes of another user are not tested');

/** Answers `/facts` with what it got, `/try` with what it may do. */
const PROBE = `
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
const attempt = (action) => { try { action(); return 'done'; } catch (error) { return error.code; } };
const descriptors = () => readdirSync('/proc/self/fd').flatMap((fd) => {
  try { return [fd + ' ' + readlinkSync('/proc/self/fd/' + fd)]; } catch { return []; }
});
export default (request, response) => {
  const { searchParams } = new URL(request.url, 'http://x');
  const answer = request.url === '/facts'
    ? { env: process.env, cwd: process.cwd(), umask: process.umask(), uid: process.getuid(), gid: process.getgid(),
        groups: process.getgroups(), tmpMode: (statSync(tmpdir()).mode & 0o7777).toString(8), descriptors: descriptors() }
    : {
        read: attempt(() => readFileSync(searchParams.get('read') ?? 'app.mjs')),
        write: attempt(() => writeFileSync(searchParams.get('write') ?? join(tmpdir(), 'mine'), 'x')),
        child: attempt(() => { const { error } = spawnSync('true'); if (error) throw error; }),
        parent: attempt(() => process.kill(process.ppid, searchParams.get('signal') ?? 0)),
      };
  response.end(JSON.stringify(answer));
};
`;

const probe = (more: Record<string, string> = {}): BundleContent => ({
  'package.json': '{ "main": "app.mjs" }',
  'app.mjs': PROBE,
  ...more,
});
const operator = (servlet: string): BundleContent => ({ '': `portico: { servlet: { ${servlet} } }\n` });

interface Facts {
  readonly env: Record<string, string>;
  readonly cwd: string;
  readonly umask: number;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly tmpMode: string;
  readonly descriptors: readonly string[];
}

describe('the process of an application', () => {
  let host: TestHost;
  let secrets: string;
  beforeAll(async () => {
    secrets = mkdtempSync(join(tmpdir(), 'portico-secrets-'));
    writeFileSync(join(secrets, 'db'), 'swordfish\n');
    const apps: Record<string, BundleContent> = {
      plain: probe({
        '.env': `# a comment\nFROM_DOT_ENV="two words"\nBOTH=dotenv\nTHREE=dotenv\nPORTICO_VERSION=9\nNODE_ENV=staging\n`,
        'application.yaml': `portico: { servlet: { umask: '077', user: root, env: { BOTH: developer, THREE: developer, THEFT: { file: /etc/passwd } } } }\n`,
      }),
      'plain.yaml': operator(`env: { THREE: operator, DB_PASSWORD: { file: ${join(secrets, 'db')} } }`),
      other: probe(),
    };
    if (withPermissions) {
      apps['boxed'] = probe({ '.env': 'NODE_OPTIONS=--allow-fs-write=*\nLEFT=1\n' });
      apps['boxed.yaml'] = operator(`sandbox: { read: [${secrets}] }`);
      apps['framed'] = {
        'application.yaml': 'portico: { application: { modules: [module.mjs#module] } }\n',
        'module.mjs': `import { routing } from 'portico';
export const module = (application) => routing(application, (route) => route.get('/', (call) => call.respondText('framed')));`,
      };
      apps['framed.yaml'] = operator('sandbox: { child: true }');
    }
    if (isRoot) {
      apps['nobody'] = probe();
      apps['nobody.yaml'] = operator('user: nobody, umask: 027');
      apps['script'] = {
        'application.yaml': `portico: { application: { command: [${process.execPath}, app.mjs], listen: socket } }\n`,
        'app.mjs': `import { createServer } from 'node:http';
createServer((q, r) => r.end([process.getuid(), process.getgid(), process.umask().toString(8)].join())).listen(process.env.PORTICO_SOCKET);`,
      };
      apps['script.yaml'] = operator('user: 65533, group: 65532, umask: 007');
    }
    const base = makeBase({ apps });
    // Another user must be able to come to its bundle.
    chmodSync(base, 0o711);
    // What the host itself has inherited, behind a gap: libuv closes the first ones only.
    const inherit = existsSync('/bin/bash') ? ['/bin/bash', '-c', 'exec 50</etc/passwd; exec "$0" "$@"'] : [];
    const env = { SECRET_OF_THE_HOST: 'hidden', NODE_OPTIONS: '--no-warnings' };
    host = await TestHost.startOn(base, env, inherit);
  }, 120_000);
  afterAll(async () => {
    await host.stop();
    rmSync(secrets, { recursive: true });
  });

  const facts = async (name: string): Promise<Facts> =>
    (await (await host.get(`/${name}/facts`)).json()) as Facts;
  const tried = async (name: string, query = ''): Promise<Record<string, string>> =>
    (await (await host.get(`/${name}/try${query}`)).json()) as Record<string, string>;
  const reasonOf = async (name: string, servlet: string): Promise<string> => {
    host.dropFile(`${name}.yaml`, `portico: { servlet: { ${servlet} } }\n`);
    host.drop(name, probe());
    return (await host.untilApplication(name, ({ state }) => state === 'failed')).reason ?? '';
  };

  it('inherits no variable of the host but those of the list', async () => {
    const { env } = await facts('other');
    const own = [
      'NODE_ENV',
      'TMPDIR',
      'PORTICO_CONTEXT_PATH',
      'PORTICO_APPLICATION',
      'PORTICO_VERSION',
      'PORTICO_INSTANCE',
    ];
    const inherited = ['PATH', 'HOME', 'LANG', 'LANGUAGE', 'LC_ALL', 'LC_CTYPE', 'TZ'];
    expect(Object.keys(env).filter((name) => ![...own, ...inherited].includes(name))).toEqual([]);
    expect(env).toMatchObject({
      NODE_ENV: 'production',
      PORTICO_APPLICATION: 'other',
      PATH: process.env['PATH'],
    });
  });

  it('gets .env of its bundle, what the descriptors set, and secrets from files', async () => {
    const { env } = await facts('plain');
    expect(env).toMatchObject({
      FROM_DOT_ENV: 'two words',
      BOTH: 'developer',
      THREE: 'operator',
      DB_PASSWORD: 'swordfish',
      NODE_ENV: 'staging',
      PORTICO_VERSION: '',
    });
    expect(env['THEFT']).toBeUndefined();
  });

  it('has secrets that are in no status, log or file of the host', async () => {
    for (const path of ['/v1/applications/plain', '/v1/applications', '/v1/server', '/v1/events', '/metrics'])
      expect(await (await host.admin(path)).text()).not.toContain('swordfish');
    expect(host.log).not.toContain('swordfish');
    expect(host.log).toMatch(/servlet\.env\.THEFT of the bundle is ignored/);
    expect(host.log).toMatch(/servlet\.user of the bundle is ignored/);
  });

  it('reads a secret anew at each start', async () => {
    writeFileSync(join(secrets, 'db'), 'marlin\r\n');
    expect((await host.admin('/v1/applications/plain/reload', 'POST')).status).toBe(200);
    await until('the new value is there', async () => (await facts('plain')).env['DB_PASSWORD'] === 'marlin');
  });

  it('has a temporary folder of its own, which ends with it', async () => {
    const [plain, other] = [await facts('plain'), await facts('other')];
    expect(plain.tmpMode).toBe('700');
    expect(plain.env['TMPDIR']).not.toBe(other.env['TMPDIR']);
    const { write } = await tried('other');
    expect(write).toBe('done');
    const folder = other.env['TMPDIR'] ?? '';
    expect(existsSync(join(folder, 'mine'))).toBe(true);
    expect((await host.admin('/v1/applications/other/stop', 'POST')).status).toBe(200);
    await until('its folder is gone', () => !existsSync(folder));
    expect((await host.admin('/v1/applications/other/start', 'POST')).status).toBe(200);
  });

  it('has the umask of its descriptor', async () => {
    expect((await facts('plain')).umask).toBe(0o077);
  });

  (existsSync('/proc/self/fd') ? it : it.skip)('inherits no descriptor of the host', async () => {
    const { descriptors } = await facts('plain');
    const socketsOf = (links: readonly string[]) => links.filter((link) => link.includes('socket:['));
    const hosts = readdirSync(`/proc/${host.pid}/fd`).flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/${host.pid}/fd/${fd}`)];
      } catch {
        return [];
      }
    });
    expect(socketsOf(hosts).length).toBeGreaterThan(2);
    const theirs = descriptors.map((link) => link.replace(/^\d+ /, ''));
    expect(socketsOf(theirs).filter((link) => hosts.includes(link))).toEqual([]);
    // Files that are open: none of the host's, such as its logs.
    const files = theirs.filter(
      (link) => link.startsWith('/') && !link.startsWith('/proc') && !link.startsWith('/dev'),
    );
    expect(files).toEqual([]);
  });

  (withPermissions ? it : it.skip)('is held to its sandbox by Node, whatever its bundle says', async () => {
    expect(await tried('boxed')).toMatchObject({ read: 'done', write: 'done', child: 'ERR_ACCESS_DENIED' });
    expect((await tried('boxed', '?read=/etc/passwd'))['read']).toBe('ERR_ACCESS_DENIED');
    expect((await tried('boxed', `?read=${join(secrets, 'db')}`))['read']).toBe('done');
    expect((await tried('boxed', '?write=app.mjs'))['write']).toBe('ERR_ACCESS_DENIED');
    expect((await tried('boxed', '?write=/tmp/portico-escape'))['write']).toBe('ERR_ACCESS_DENIED');
    expect(await host.text('/framed/')).toBe('framed');
  });

  const refused: [string, string, RegExp][] = [
    [
      'a secret that is not there',
      'env: { KEY: { file: /nowhere/key } }',
      /the value of KEY cannot be read: \/nowhere\/key does not exist/,
    ],
    [
      'a secret that is a folder',
      'env: { KEY: { file: /etc } }',
      /KEY cannot be read: \/etc is not a regular file/,
    ],
    ['a relative file of a secret', 'env: { KEY: { file: key } }', /"key" is not an absolute path/],
    ['a umask that is none', 'umask: 999', /999 is no umask: write three octal digits/],
    ['a user that is none', 'user: "a b"', /no name or number of a user/],
    ...((isRoot
      ? [
          [
            'a user that does not exist',
            'user: no-such-user',
            /user no-such-user does not exist in \/etc\/passwd/,
          ],
        ]
      : [['a user without root', 'user: nobody', /only a host that runs as root/]]) as [
      string,
      string,
      RegExp,
    ][]),
    ...((canRefuseNet || !withPermissions
      ? []
      : [
          ['a sandbox that Node cannot hold', 'sandbox: { net: false }', /cannot refuse the network.*use 25/],
        ]) as [string, string, RegExp][]),
  ];
  it.each(refused)('is not started with %s, and the reason says why', async (what, servlet, reason) => {
    expect(await reasonOf(what.replaceAll(' ', '-'), servlet)).toMatch(reason);
    expect((await host.get('/plain/facts')).status).toBe(200);
  });

  (isRoot ? it : it.skip)('may have a user of its own, who can do nothing to the host', async () => {
    const { uid, groups, env, umask, tmpMode } = await facts('nobody');
    expect([uid, umask, tmpMode, env['HOME']]).toEqual([65534, 0o027, '700', '/nonexistent']);
    expect(groups).not.toContain(0);
    const store = readdirSync(join(host.base, 'work/store'))[0] ?? '';
    const kept = join(host.base, 'work/store', store, 'app.mjs');
    const { parent, write } = await tried('nobody', `?signal=SIGKILL&write=${kept}`);
    expect([parent, write]).toEqual(['EPERM', 'EACCES']);
    expect((await tried('nobody', `?read=${join(host.base, 'run/admin.token')}`))['read']).toBe('EACCES');
    expect(await host.text('/script/')).toBe('65533,65532,7');
    const folder = env['TMPDIR'] ?? '';
    expect(existsSync(folder)).toBe(true);
    expect((await host.admin('/v1/applications/nobody/stop', 'POST')).status).toBe(200);
    await until('its folder is gone', () => !existsSync(folder));
  });
});
