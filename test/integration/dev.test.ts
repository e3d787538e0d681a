import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { makeBase } from '#test/support/host.js';
import { repositoryFolder } from '#test/support/paths.js';
import { isAlive, until } from '#test/support/polling.js';
import { RawClient } from '#test/support/raw-client.js';

const cli = join(repositoryFolder, 'dist/host/cli/main.js');

const moduleText = (answer: string, before = ''): string => `import { routing } from 'portico';
export function shop(application) {
  ${before}
  console.log('pid ' + process.pid + ' ' + process.env.NODE_ENV);
  routing(application, (r) => {
    r.get('/', () => '${answer}');
    r.get('/fail', () => {
      throw new Error('runtime trouble');
    });
  });
}
`;
const bundle = (answer: string): Record<string, string> => ({
  'package.json': '{ "type": "module" }',
  'application.yaml': 'portico: { application: { modules: ["shop.js#shop"] } }\n',
  'shop.js': moduleText(answer),
});

describe('portico dev', () => {
  let base: string;
  let child: ChildProcess | undefined;
  let output = '';
  let port = 0;

  beforeEach(() => {
    base = makeBase({ apps: { shop: bundle('one'), other: bundle('other') }, config: '{}\n' });
    output = '';
  });
  afterEach(async () => {
    child?.kill('SIGKILL');
    if (child !== undefined) await exit();
    rmSync(base, { recursive: true, force: true });
  });

  const exit = (): Promise<number | NodeJS.Signals> =>
    until('it ends', () => child?.exitCode ?? child?.signalCode ?? undefined);

  function start(...args: readonly string[]): Promise<void> {
    return startIn(base, { PORTICO_BASE: base }, args);
  }

  async function startIn(cwd: string, set: NodeJS.ProcessEnv, args: readonly string[]): Promise<void> {
    const { PORTICO_BASE: _, ...inherited } = process.env;
    child = spawn(process.execPath, [cli, 'dev', ...args, '--port', '0'], {
      cwd,
      env: { ...inherited, ...set },
    });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (output += String(text)));
    port = await until('it listens', () => {
      if (child?.exitCode !== null) throw new Error(`it ended with ${child?.exitCode}: ${output}`);
      const match = /listening on http:\/\/[^:]+:(\d+)/.exec(output);
      return match === null ? undefined : Number(match[1]);
    });
  }

  const get = (path: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers: { accept: 'text/html', connection: 'close' } });

  /** Asks until the answer is of the new code; every answer before is one of `allowed`. */
  async function untilAnswer(expected: RegExp, allowed: readonly number[]): Promise<string> {
    return until(`an answer like ${expected}`, async () => {
      const response = await get('/shop/');
      expect(allowed).toContain(response.status);
      const text = await response.text();
      return expected.test(text) ? text : undefined;
    });
  }

  const change = (text: string): void => writeFileSync(join(base, 'apps/shop/shop.js'), text);
  const pids = (): number[] => [...output.matchAll(/pid (\d+)/g)].map((match) => Number(match[1]));

  it('serves the bundle in whose folder it is started, and writes nothing there', async () => {
    const folder = join(base, 'apps/shop');
    const before = readdirSync(folder).sort();
    await startIn(folder, {}, ['.']);
    await until('it answers', async () => (await (await get('/shop/')).text()) === 'one');
    expect(readdirSync(folder).sort()).toEqual(before);
  }, 120_000);

  it('runs the one bundle in development mode, and starts its process again on a change', async () => {
    await start('apps/shop');
    expect(await (await get('/shop/')).text()).toBe('one');
    expect((await get('/other/')).status).toBe(404);
    expect(output).toMatch(/^shop \| pid \d+ development$/m);
    const failed = await get('/shop/fail');
    expect(failed.status).toBe(500);
    const page = await failed.text();
    expect(page).toMatch(/runtime trouble[\s\S]*<b>\s*\d+ {2}\s*throw new Error/);
    // Places are in the bundle of the developer, not in the copy of it that runs.
    expect(page).toContain(`<h2>${join(base, 'apps/shop/shop.js')}:8</h2>`);
    expect(page).not.toContain('/store/');

    change(moduleText('two'));
    // Old code until the change is seen, then held until the new code answers: never an error.
    await untilAnswer(/^two$/, [200]);
    const [first = 0, second = 0] = pids();
    expect(second).not.toBe(first);
    expect(isAlive(first)).toBe(false);

    child?.kill('SIGINT');
    expect(await exit()).toBe(0);
    expect(isAlive(second)).toBe(false);
  });

  it('shows a failed start in the browser, with stack and source line; the next change tries again', async () => {
    change(moduleText('never', "throw new Error('<cannot start>');"));
    await start('apps/shop');
    const page = await untilAnswer(/could not be started/, [500]);
    expect(page).toContain('&#60;cannot start&#62;');
    expect(page).not.toContain('<cannot start>');
    expect(page).toContain(`${join(base, 'apps/shop/shop.js')}:3`);
    expect(page).toMatch(/<b>3 {4}throw new Error/);
    expect(output).toContain('error: shop could not be deployed: configure:');

    change('export function shop() {\n  not javascript\n}\n');
    expect(await untilAnswer(/syntax error/, [500])).toMatch(/<b>2 {4}not javascript/);
    change(moduleText('works'));
    await untilAnswer(/^works$/, [200, 500]);
    // And back again: what served before does not hide the error.
    change(moduleText('never', 'missing();'));
    await untilAnswer(/missing is not defined/, [200, 500]);
    change(moduleText('works again'));
    await untilAnswer(/^works again$/, [200, 500]);
  });

  it('runs the bundles beside it with --all', async () => {
    await start('apps/shop', '--all');
    expect(await (await get('/shop/')).text()).toBe('one');
    expect(await (await get('/other/')).text()).toBe('other');
  });

  it('serves the one bundle under every host name, whatever its descriptor says', async () => {
    writeFileSync(join(base, 'apps/shop.yaml'), 'portico: { servlet: { host: shop.example } }\n');
    await start('apps/shop');
    expect(await (await get('/shop/')).text()).toBe('one');
    expect(await answerTo('nobody.example', '/shop/')).toBe('one');
  });

  it('serves virtual hosts with --all, also below localhost', async () => {
    writeFileSync(
      join(base, 'host.yaml'),
      'hosts: [{ name: shop.example }, { name: main.example }]\ndefaultHost: main.example\nunknownHost: close\n',
    );
    writeFileSync(join(base, 'apps/shop.yaml'), 'portico: { servlet: { host: shop.example, context: / } }\n');
    await start('apps/shop', '--all');
    expect(await (await get('/other/')).text()).toBe('other');
    expect(await answerTo('shop.example', '/')).toBe('one');
    expect(await answerTo('shop.example.localhost:8080', '/')).toBe('one');
    expect(await answerTo('main.example.localhost', '/other/')).toBe('other');
  });

  async function answerTo(name: string, path: string): Promise<string | undefined> {
    const client = await RawClient.open(port);
    client.send(`GET ${path} HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`);
    const response = await client.response();
    client.destroy();
    return response?.body.toString();
  }

  it('says what is wrong with the folder', async () => {
    await expect(start('apps/nothing')).rejects.toThrow('PORTICO_DEV_BUNDLE');
    expect(await exit()).toBe(2);
  });
});
