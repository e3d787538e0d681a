import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type BundleContent, TestHost } from '#test/support/host.js';
import { until } from '#test/support/polling.js';

/** Reads and writes as programs do that know nothing of a container: below the working directory, and beside their own file. */
const writer = (version: string): BundleContent => ({
  'package.json': '{ "main": "app.mjs" }',
  'counter.txt': '0',
  'public/style.css': 'p {}',
  'views/page.txt': `version ${version} of NAME`,
  'app.mjs': `import express from 'express';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
const app = express();
app.engine('txt', (file, options, done) => done(null, readFileSync(file, 'utf8').replace('NAME', options.name)));
app.set('view engine', 'txt');
app.use(express.static('public'));
app.get('/page', (request, response) => response.render('page', { name: 'express' }));
app.get('/write', (request, response) => {
  writeFileSync('counter.txt', String(Number(readFileSync('counter.txt', 'utf8')) + 1));
  appendFileSync(new URL('app.mjs', import.meta.url), '// changed');
  writeFileSync('public/new.txt', 'written by ' + process.pid);
  response.end('written');
});
app.get('/read', (request, response) => {
  const own = new URL('app.mjs', import.meta.url);
  const changed = readFileSync(own, 'utf8').endsWith('// changed');
  response.json({ pid: process.pid, cwd: process.cwd(), here: new URL('.', import.meta.url).pathname,
    counter: readFileSync('counter.txt', 'utf8'), changed, isNew: existsSync('public/new.txt') });
});
app.get('/crash', (request, response) => {
  if (readFileSync('counter.txt', 'utf8') === '1') process.exit(3);
  response.end('not the one');
});
app.listen(3000);`,
});
const program: BundleContent = {
  'application.yaml': `portico: { application: { command: [${process.execPath}, ./server.mjs] } }\n`,
  'server.mjs': `import { createServer } from 'node:http';
import { writeFileSync } from 'node:fs';
createServer((request, response) => {
  writeFileSync('server.mjs', 'nothing');
  response.end(process.cwd());
}).listen(Number(process.env.PORT));`,
};

interface Seen {
  readonly pid: number;
  readonly cwd: string;
  readonly here: string;
  readonly counter: string;
  readonly changed: boolean;
  readonly isNew: boolean;
}

describe('the working folder of an instance', () => {
  let host: TestHost;
  beforeAll(async () => {
    const config = `
deployer: { stabilityWindow: 200ms, scanInterval: 300ms }
applications: { restart: { minDelay: 50ms, maxDelay: 200ms }, probation: { window: 0s } }
`;
    const shared = 'portico: { servlet: { workingFolder: shared } }\n';
    const apps = { writer: writer('1'), 'writer.yaml': { '': 'portico: { servlet: { instances: 2 } }\n' } };
    host = await TestHost.start({
      config,
      apps: { ...apps, together: writer('1'), 'together.yaml': { '': shared } },
    });
  }, 120_000);
  afterAll(async () => {
    await host.stop();
  });

  const read = async (name = 'writer'): Promise<Seen> =>
    (await (await host.get(`/${name}/read`)).json()) as Seen;
  const both = async (): Promise<readonly Seen[]> =>
    until('both instances have answered', async () => {
      const seen = new Map<number, Seen>();
      for (let i = 0; i < 6; i++) {
        const one = await read();
        seen.set(one.pid, one);
      }
      return seen.size === 2 && [...seen.values()];
    });
  const untouched = { counter: '0', changed: false, isNew: false };
  /** Every file of that name in the store. */
  const stored = (file: string): string[] => {
    const store = join(host.base, 'work/store');
    const files = readdirSync(store).map((content) => join(store, content, file));
    return files.filter((path) => existsSync(path)).map((path) => readFileSync(path, 'utf8'));
  };

  it('has what the bundle has: views, static files, packages', async () => {
    expect(await host.text('/writer/page')).toBe('version 1 of express');
    expect(await host.text('/writer/style.css')).toBe('p {}');
    const [one, two] = await both();
    expect(one?.cwd).not.toBe(two?.cwd);
    expect(one?.here).toBe(`${one?.cwd}/`);
    expect(statSync(one?.cwd ?? '').mode & 0o777).toBe(0o700);
  });

  it('keeps what one instance writes from the other, and from the store', async () => {
    expect(await host.text('/writer/write')).toBe('written');
    const seen = await both();
    expect(seen.filter(({ counter }) => counter === '0')).toMatchObject([untouched]);
    expect(seen.filter(({ counter }) => counter === '1')).toMatchObject([{ changed: true, isNew: true }]);
    expect(new Set(stored('counter.txt'))).toEqual(new Set(['0']));
    expect(stored('public/new.txt')).toEqual([]);
  });

  it('stays for the process that takes the place of one that crashed', async () => {
    const before = await both();
    const written = before.find(({ counter }) => counter === '1');
    await until(
      'the one that has written crashes',
      async () => (await host.get('/writer/crash')).status === 502,
    );
    await until('another process has its folder', async () => {
      const now = (await both()).find(({ counter }) => counter === '1');
      expect(now?.cwd).toBe(written?.cwd);
      return now?.pid !== written?.pid;
    });
  });

  it('ends with the version: the next one, and a rollback, get what was deployed', async () => {
    const folders = (await both()).map(({ cwd }) => cwd);
    host.drop('writer', writer('2'));
    await until('version 2 serves', async () => (await host.text('/writer/page')).includes('version 2'));
    expect(await both()).toMatchObject([untouched, untouched]);
    await until('the old folders are gone', () => !folders.some((folder) => existsSync(folder)));
    expect(await host.text('/writer/write')).toBe('written');
    const { status } = await host.admin('/v1/applications/writer/rollback', 'POST');
    expect(status).toBe(200);
    await until('version 1 serves', async () => (await host.text('/writer/page')).includes('version 1'));
    expect(await both()).toMatchObject([untouched, untouched]);
    expect(new Set(stored('counter.txt'))).toEqual(new Set(['0']));
  });

  it('is the snapshot where that is wished', async () => {
    expect((await read('together')).cwd).toContain('/work/store/');
    expect(await host.text('/together/page')).toBe('version 1 of express');
  });

  it('is also that of a program, whose own file is found in it', async () => {
    host.drop('program', program);
    await host.untilApplication('program', (now) => now.state === 'running');
    expect(await host.text('/program/')).toContain('/work/places/');
    expect(stored('server.mjs').every((text) => text.includes('createServer'))).toBe(true);
  });
});
