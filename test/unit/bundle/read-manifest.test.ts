// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is the notation of descriptors
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readOperatorDescriptor } from '#host/bundle/descriptor.js';
import { type ManifestSource, readManifest } from '#host/bundle/read-manifest.js';
import { DEFAULT_APPLICATION_SETTINGS as defaults } from '#host/config/application-settings.js';
import { ConfigError } from '#host/config/config-error.js';
import { PorticoError } from '#host/errors.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

let temporary: TemporaryFolder;
let serial = 0;

beforeAll(() => {
  temporary = new TemporaryFolder();
});
afterAll(() => temporary.remove());

type Files = Readonly<Record<string, string>>;

function bundle(files: Files): string {
  return temporary.write(`bundle-${serial++}`, files);
}

function operator(text: string): string {
  return join(temporary.write(`operator-${serial++}`, { 'shop.yaml': text }), 'shop.yaml');
}

function read(files: Files, operatorText?: string, more: Partial<ManifestSource> = {}) {
  const operatorDescriptor = operatorText === undefined ? undefined : operator(operatorText);
  return readManifest({ folder: bundle(files), operatorDescriptor, defaults, ...more });
}

async function refusal(action: Promise<unknown>): Promise<PorticoError> {
  const error: unknown = await action.then(
    () => 'accepted',
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(PorticoError);
  return error as PorticoError;
}

describe('readManifest: how a bundle answers', () => {
  const cases: readonly [string, Files, { kind: string; rest: string }][] = [
    [
      'main of package.json',
      { 'package.json': '{"main":"server.js"}', 'server.js': '' },
      { kind: 'main', rest: 'server.js' },
    ],
    [
      'main without extension',
      { 'package.json': '{"main":"./server"}', 'server.js': '' },
      { kind: 'main', rest: 'server.js' },
    ],
    [
      'main a folder with index.js',
      { 'package.json': '{"main":"lib"}', 'lib/index.js': '' },
      { kind: 'main', rest: 'lib/index.js' },
    ],
    ['main "."', { 'package.json': '{"main":"."}', 'index.js': '' }, { kind: 'main', rest: 'index.js' }],
    [
      'exports as text',
      { 'package.json': '{"exports":"./a.mjs"}', 'a.mjs': '' },
      { kind: 'main', rest: 'a.mjs' },
    ],
    [
      'exports with conditions',
      {
        'package.json': '{"exports":{".":{"types":"./a.d.ts","import":"./a.js"},"./b":"./b.js"}}',
        'a.js': '',
      },
      { kind: 'main', rest: 'a.js' },
    ],
    [
      'start script',
      { 'package.json': '{"scripts":{"start":"node bin/www.js"}}', 'bin/www.js': '' },
      { kind: 'main', rest: 'bin/www.js' },
    ],
    [
      'index.js beside package.json',
      { 'package.json': '{}', 'index.js': '', 'index.html': '' },
      { kind: 'main', rest: 'index.js' },
    ],
    [
      'server.js beside package.json',
      { 'package.json': '{}', 'server.js': '' },
      { kind: 'main', rest: 'server.js' },
    ],
    [
      'index.html, and its index.js is for browsers',
      { 'index.html': '', 'index.js': '' },
      { kind: 'static', rest: '' },
    ],
    [
      'index.html with a package.json of tools',
      { 'package.json': '{}', 'index.html': '' },
      { kind: 'static', rest: '' },
    ],
    ['index.js alone', { 'index.js': '' }, { kind: 'main', rest: 'index.js' }],
    [
      'main of the descriptor before package.json',
      {
        'application.yaml': 'portico: {application: {main: a.js}}',
        'a.js': '',
        'package.json': '{"main":"b.js"}',
        'b.js': '',
      },
      { kind: 'main', rest: 'a.js' },
    ],
    [
      'static of the descriptor',
      { 'application.yaml': 'portico: {application: {static: public}}', 'public/a': '' },
      { kind: 'static', rest: 'public' },
    ],
    [
      'static "."',
      { 'application.yaml': 'portico: {application: {static: .}}' },
      { kind: 'static', rest: '' },
    ],
    [
      'the alias ktor',
      { 'application.yaml': 'ktor: {application: {main: a.js}}', 'a.js': '' },
      { kind: 'main', rest: 'a.js' },
    ],
    [
      'JSON',
      { 'application.json': '{"portico": {"application": {"main": "a.js"}}}', 'a.js': '' },
      { kind: 'main', rest: 'a.js' },
    ],
  ];
  it.each(cases)('%s', async (_, files, expected) => {
    const folder = bundle(files);
    const { entry } = await readManifest({ folder, defaults });
    const path = join(folder, expected.rest);
    expect(entry).toEqual(
      expected.kind === 'main' ? { kind: 'main', main: path } : { kind: 'static', folder: path },
    );
  });

  it('takes framework modules, one or many', async () => {
    const files = { 'dist/a.js': '', 'b.js': '' };
    const list = 'portico: {application: {modules: [./dist/a.js#one, b.js]}}';
    expect((await read({ ...files, 'application.yaml': list })).entry).toEqual({
      kind: 'modules',
      modules: ['dist/a.js#one', 'b.js'],
    });
    const single = 'portico: {application: {modules: "dist/a.js#one"}}';
    expect((await read({ ...files, 'application.yaml': single })).entry).toEqual({
      kind: 'modules',
      modules: ['dist/a.js#one'],
    });
  });

  it('lets the operator choose another kind of entry, also without a bundle', async () => {
    const files = {
      'application.yaml': 'portico: {application: {main: a.js}}',
      'a.js': '',
      'public/index.html': '',
    };
    const manifest = await read(files, 'portico: {application: {static: public}}');
    expect(manifest.entry.kind).toBe('static');
    const upstream = operator('portico: {application: {upstream: "http://127.0.0.1:9000/"}}');
    expect((await readManifest({ operatorDescriptor: upstream, defaults })).entry).toEqual({
      kind: 'upstream',
      urls: ['http://127.0.0.1:9000'],
    });
    const error = await refusal(
      readManifest({ operatorDescriptor: operator('portico: {servlet: {instances: 2}}'), defaults }),
    );
    expect(error.message).toMatch(/no bundle to this descriptor/);
  });
});

describe('readManifest: entries that are refused', () => {
  it.each([
    ['/etc/passwd', /absolute/],
    ['C:\\\\x.js', /absolute/],
    ['../other/a.js', /leads out/],
    ['lib/../../a.js', /leads out/],
    ['missing.js', /does not exist/],
    ['lib', /folder without index.js/],
    ['', /empty|does not say/],
    ['a.js/x', /does not exist/],
  ])('main %j, naming the path', async (main, message) => {
    const files = { 'lib/x.txt': '', 'a.js': '' };
    const byPackage = await refusal(
      read({ ...files, 'package.json': `{"main":"${main}"}` }).then((m) =>
        main === '' ? Promise.reject(new PorticoError('X', 'empty')) : m,
      ),
    );
    expect(byPackage.message).toMatch(message);
    const byDescriptor = await refusal(
      read({ ...files, 'application.yaml': `portico:\n  application:\n    main: "${main}"\n` }),
    );
    expect(byDescriptor.message).toMatch(message);
    expect(byDescriptor).toBeInstanceOf(ConfigError);
    expect((byDescriptor as ConfigError).problems[0]).toMatchObject({
      line: 3,
      column: 11,
      path: 'portico.application.main',
    });
  });

  it.each([
    ['modules: [../a.js#x]', /leads out/],
    ['modules: [/a.js#x]', /absolute/],
    ['modules: [none.js#x]', /does not exist/],
    ['modules: [a.js#]', /file#function/],
    ['modules: [a.js#x#y]', /file#function/],
    ['modules: []', /at least one/],
    ['modules: [5]', /not the name of a module/],
    ['modules: [lib#x]', /not a regular file/],
    ['static: ../..', /leads out/],
    ['static: a.js', /not a folder/],
    ['static: none', /does not exist/],
    ['upstream: "ftp://x"', /not http/],
    ['upstream: nonsense', /not a URL/],
    ['upstream: "http://user:secret@x/"', /has a user/],
    ['command: python3 app.py', /no shell takes it apart.*python3, app.py/],
    ['command: []', /no program/],
    ['command: [python3, {}]', /a section is not text/],
    ['command: [../run.sh]', /leads out/],
    ['command: [./none.sh]', /does not exist/],
    ['command: [./a.js]', /not executable: chmod/],
    ['listen: socket', /there is none: add command/],
    ['{ command: [sleep], listen: tcp }', /not one of port, socket/],
    ['{ command: [sleep], main: a.js }', /main and command exclude each other/],
    ['{ main: a.js, static: lib }', /exclude each other/],
    ['main: 5', /does not exist/],
    ['main: [a.js]', /not text/],
    ['mian: a.js', /unknown key.*did you mean "main"/],
  ])('%s', async (text, message) => {
    const yaml = text.startsWith('{')
      ? `portico: {application: ${text}}`
      : `portico:\n  application:\n    ${text}\n`;
    const error = await refusal(read({ 'application.yaml': yaml, 'a.js': '', 'lib/x': '' }));
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain('secret');
  });

  const job = 'schedule: [{ name: tidy, cron: "@daily", path: /tidy }]';
  const pages = { 'index.html': '' };

  it.each([
    ['static', pages, `portico:\n  servlet:\n    ${job}\n`, 3],
    ['redirect', {}, `portico:\n  application: { redirect: /x }\n  servlet:\n    ${job}\n`, 4],
    ['upstream', {}, `portico:\n  application: { upstream: "http://u" }\n  servlet:\n    ${job}\n`, 4],
  ])('jobs for the kind %s, with their place', async (kind, files, text, line) => {
    const error = await refusal(read(files, text));
    expect(error.message).toContain(
      `an application of kind ${kind} has no process that could do jobs: take the schedule away`,
    );
    expect((error as ConfigError).problems[0]).toMatchObject({ line, path: 'portico.servlet.schedule' });
  });

  it('jobs of the bundle, unless the operator takes them away', async () => {
    const files = { ...pages, 'application.yaml': `portico: { servlet: { ${job} } }` };
    const { problems } = (await refusal(read(files))) as ConfigError;
    expect(problems[0]).toMatchObject({ line: 1, path: 'portico.servlet.schedule' });
    expect(problems[0]?.file).toMatch(/application\.yaml$/);
    const { settings } = await read(files, 'portico: { servlet: { schedule: [] } }');
    expect(settings.schedule).toEqual([]);
  });

  it('says what it looked for and found when nothing names an entry', async () => {
    expect((await refusal(read({}))).message).toMatch(/looked for .* found an empty folder/);
    expect((await refusal(read({ 'shop/package.json': '{}' }))).message).toMatch(/found "shop"/);
  });

  it('refuses links out of the bundle, broken and looping ones', async () => {
    const outside = temporary.write('outside', {
      'secret.js': '',
      'application.yaml': 'a: 1',
      'package.json': '{}',
    });
    const links: readonly [string, string, string, RegExp][] = [
      ['main.js', join(outside, 'secret.js'), 'application: {main: main.js}', /link out/],
      ['public', outside, 'application: {static: public}', /link out/],
      ['lib', outside, 'application: {main: lib/secret.js}', /link out/],
      ['loop.js', 'loop.js', 'application: {main: loop.js}', /does not exist/],
      ['broken.js', 'nowhere', 'application: {main: broken.js}', /does not exist/],
    ];
    for (const [name, target, text, message] of links) {
      const folder = bundle({ 'application.yaml': `portico: {${text}}` });
      symlinkSync(target, join(folder, name));
      expect((await refusal(readManifest({ folder, defaults }))).message).toMatch(message);
    }
    for (const name of ['application.yaml', 'package.json']) {
      const folder = bundle({ 'index.js': '' });
      symlinkSync(join(outside, name), join(folder, name));
      expect((await refusal(readManifest({ folder, defaults }))).message).toMatch(/link out/);
    }
    const inside = bundle({ 'real.yaml': 'portico: {application: {main: link.js}}', 'real.js': '' });
    symlinkSync('real.yaml', join(inside, 'application.yaml'));
    symlinkSync('real.js', join(inside, 'link.js'));
    expect((await readManifest({ folder: inside, defaults })).entry.kind).toBe('main');
  });

  it('never waits for a pipe in the place of an entry or a descriptor', async () => {
    const entry = bundle({ 'package.json': '{"main":"main.js"}' });
    execFileSync('mkfifo', [join(entry, 'main.js')]);
    expect((await refusal(readManifest({ folder: entry, defaults }))).message).toMatch(/not a regular file/);
    for (const name of ['application.yaml', 'package.json']) {
      const folder = bundle({ 'index.js': '' });
      execFileSync('mkfifo', [join(folder, name)]);
      expect((await refusal(readManifest({ folder, defaults }))).message).toMatch(/not a regular file/);
    }
    const folder = bundle({ 'index.js': '' });
    mkdirSync(join(folder, 'application.yaml'));
    expect((await refusal(readManifest({ folder, defaults }))).message).toMatch(/not a regular file/);
  });

  it('refuses a package.json that is broken, with its place, or huge', async () => {
    expect((await refusal(read({ 'package.json': '{\n  "main": \n}' }))).message).toMatch(
      /package\.json:3:1: not valid JSON/,
    );
    expect((await refusal(read({ 'package.json': '[]' }))).message).toMatch(/does not hold an object/);
    expect((await refusal(read({ 'package.json': '{"main": 5}' }))).message).toMatch(/main is not text/);
    expect((await refusal(read({ 'package.json': ' '.repeat(1_100_000) }))).message).toMatch(/at most 1MiB/);
    expect((await refusal(read({ 'package.json': '{"exports":"../x.js"}' }))).message).toMatch(
      /package\.json \(exports\).*leads out/,
    );
  });
});

describe('readManifest: settings, configuration and notes', () => {
  it('lets the operator win over the developer, and both over the defaults, key by key', async () => {
    const manifest = await read(
      {
        'index.js': '',
        'application.yaml':
          'portico:\n  servlet:\n    instances: 3\n    prefix: keep\n    limits: { heap: 64MiB, body: 1MiB }\n    env: { A: developer, B: developer }\nfree: { a: 1, list: [1, 2] }\n',
      },
      'portico:\n  servlet:\n    instances: 2\n    context: /kasse\n    limits: { body: 2MiB }\n    env: { B: operator }\nfree: { a: 2, c: "${FROM_HOST}" }\n',
      { defaults: { ...defaults, env: { A: 'default', C: 'default' } }, env: { FROM_HOST: 'yes' } },
    );
    expect(manifest.settings).toMatchObject({
      instances: 2,
      prefix: 'keep',
      maxHeapBytes: 64 * 1024 ** 2,
      maxBodyBytes: 2 * 1024 ** 2,
      startTimeoutMs: 30_000,
      env: { A: 'developer', B: 'operator', C: 'default' },
    });
    expect(manifest.contextPath).toBe('/kasse');
    expect(manifest.config).toMatchObject({
      free: { a: 2, list: [1, 2], c: 'yes' },
      portico: { servlet: { instances: 2, prefix: 'keep' } },
    });
    expect(JSON.parse(JSON.stringify(manifest.config))).toEqual(manifest.config);
  });

  it("ignores the bundle's own claim to a virtual host, and says so", async () => {
    const manifest = await read({
      'index.js': '',
      'application.yaml': 'portico: {servlet: {host: shop.example, request: {trace: pass}}}',
    });
    expect(manifest.notes).toEqual([expect.stringContaining('"shop.example" of the bundle is ignored')]);
    // What a request may be is the application's own affair.
    expect(manifest.settings.request).toEqual({ malformedEscapes: 'refuse', trace: 'pass' });
    const error = await refusal(
      read({ 'index.js': '' }, 'portico: { servlet: { request: { trace: yes } } }\n'),
    );
    expect((error as ConfigError).problems[0]).toMatchObject({
      line: 1,
      path: 'portico.servlet.request.trace',
    });
  });

  it("ignores the bundle's own claim to a path, and says so", async () => {
    const manifest = await read({
      'index.js': '',
      'application.yaml': 'portico: {servlet: {context: /manager}}',
    });
    expect(manifest.contextPath).toBeUndefined();
    expect(manifest.notes).toEqual([expect.stringContaining('"/manager" of the bundle is ignored')]);
    const error = await refusal(read({ 'index.js': '' }, 'portico:\n  servlet:\n    context: //evil\n'));
    expect((error as ConfigError).problems[0]).toMatchObject({ line: 3, path: 'portico.servlet.context' });
  });

  it('notes what has no effect', async () => {
    const manifest = await read({
      'index.js': '',
      'application.yml': 'x: 1',
      'application.yaml':
        'portico:\n  deployment: { port: 80, host: x }\n  servelt: {}\n  servlet: { limits: { memory: 512MiB } }\nporitco: {}\n',
    });
    expect(manifest.notes).toEqual([
      expect.stringContaining('application.yml is ignored'),
      expect.stringContaining('portico.deployment.port is ignored'),
      expect.stringContaining('portico.deployment.host is ignored'),
      expect.stringContaining('portico.servlet would'),
      expect.stringContaining('poritco has no meaning'),
    ]);
  });

  it('keeps the section under the name the developer gave it', async () => {
    const manifest = await read(
      { 'index.js': '', 'application.yaml': 'ktor: {deployment: {port: 1}, security: {x: 1}}' },
      'portico: {servlet: {instances: 2}}',
    );
    expect(manifest.config).toEqual({
      ktor: { deployment: { port: 1 }, security: { x: 1 }, servlet: { instances: 2 } },
    });
    expect(manifest.settings.instances).toBe(2);
  });

  it('reports all problems of a descriptor at once, with their places', async () => {
    const error = await refusal(
      read({
        'index.js': '',
        'application.yaml':
          'portico:\n  application:\n    modul: x\n  servlet:\n    instnces: 2\n    start: { timeout: 5 }\nsecret: ${SECRET}\n',
      }),
    );
    expect(error.code).toBe('PORTICO_DESCRIPTOR_INVALID');
    expect((error as ConfigError).problems.map((p) => [p.line, p.column, p.path, p.suggestion])).toEqual([
      [3, 5, 'portico.application.modul', 'modules'],
      [5, 5, 'portico.servlet.instnces', 'instances'],
      [6, 23, 'portico.servlet.start.timeout', '5s'],
      [7, 9, 'secret', undefined],
    ]);
  });

  it("does not let a bundle read the host's environment", async () => {
    process.env['PORTICO_TEST_SECRET'] = 'hidden';
    try {
      const files = { 'index.js': '', 'application.yaml': 'x: ${PORTICO_TEST_SECRET}' };
      expect((await refusal(read(files))).message).toMatch(/"PORTICO_TEST_SECRET" not found/);
      const given = await read(
        files,
        'portico: {servlet: {env: {PORTICO_TEST_SECRET: "${PORTICO_TEST_SECRET}"}}}',
      );
      expect(given.config['x']).toBe('hidden');
    } finally {
      delete process.env['PORTICO_TEST_SECRET'];
    }
  });

  it.each([
    ['', /empty/],
    ['text', /single value/],
    ['- a', /a list/],
    ['a: 1\n---\nb: 1', /second document/],
    ['a: [', /not valid YAML/],
    ['portico: 5', /must be a section/],
    ['portico: {}\nktor: {}', /two names of one section/],
    ['portico: {servlet: {restart: {minDelay: 10m}}}', /shorter than minDelay/],
  ])('refuses the descriptor %j', async (text, message) => {
    const error = await refusal(read({ 'index.js': '', 'application.yaml': text }));
    expect(error.code).toBe('PORTICO_DESCRIPTOR_INVALID');
    expect(error.message).toMatch(message);
  });
});

describe('readOperatorDescriptor', () => {
  it('gives the bundle it points to', () => {
    const file = operator('portico: {bundle: ../elsewhere/shop.tgz}');
    expect(readOperatorDescriptor(file, {}).bundle).toBe('../elsewhere/shop.tgz');
  });

  it.each([
    ['bundle: /srv/shop.tgz', 'bundle: has no effect here: write it below portico:'],
    ['servlet: {instances: 2}', 'servlet: has no effect here: write it below portico:'],
    ['portico: {instances: 2}', 'portico.instances: has no effect here: write it below portico.servlet:'],
    ['instances: 2', 'instances: has no effect here: write it below portico.servlet:'],
  ])('refuses %j, which would do nothing', (text, message) => {
    expect(() => readOperatorDescriptor(operator(text), {})).toThrow(message);
  });

  it("leaves the application's own keys alone", () => {
    const file = operator('portico: {servlet: {instances: 2}, security: {}}\nenv: test\nstart: now');
    expect(readOperatorDescriptor(file, {}).config).toMatchObject({ env: 'test', start: 'now' });
  });

  it('follows a link, as mounted configuration is one', () => {
    const file = operator('portico: {bundle: a}');
    const link = temporary.at(`link-${serial++}.yaml`);
    symlinkSync(file, link);
    expect(readOperatorDescriptor(link, {}).bundle).toBe('a');
  });

  it('refuses one that is gone or too large', () => {
    expect(() => readOperatorDescriptor(temporary.at('none.yaml'), {})).toThrow(/does not exist/);
    writeFileSync(temporary.at('large.yaml'), 'a: 1\n'.repeat(100_000));
    expect(() => readOperatorDescriptor(temporary.at('large.yaml'), {})).toThrow(/at most 256KiB/);
  });
});

describe('readManifest: application.conf', () => {
  it('takes modules, settings of the servlet and the whole tree, with the place of each value', async () => {
    const { entry, config, configOrigins, settings, notes } = await read({
      'application.conf':
        'ktor {\n  application { modules = ["a.js#one", "plain#two"] }\n  servlet { instances = 2, start.timeout = 5s }\n' +
        '  deployment.port = 8080\n  deployment.port = ${?PORT}\n}\nfree { include "more" }\n',
      'more.conf': 'x = [1, {y = z}]',
      'a.js': '',
      'node_modules/plain/package.json': '{}',
    });
    expect(entry).toEqual({ kind: 'modules', modules: ['a.js#one', 'plain#two'] });
    expect(settings).toMatchObject({ instances: 2, startTimeoutMs: 5000 });
    expect(config).toMatchObject({ ktor: { deployment: { port: 8080 } }, free: { x: [1, { y: 'z' }] } });
    expect([configOrigins?.['ktor.servlet.instances'], configOrigins?.['free.x']]).toEqual([
      'application.conf:3',
      'more.conf:1',
    ]);
    expect(notes).toEqual([expect.stringMatching(/^ktor\.deployment\.port is ignored/)]);
  });

  it('takes it before application.yaml, and the operator wins over both under one name', async () => {
    const files = {
      'application.conf': 'ktor { application.main = a.js, x { y = 1, z = 1 } }',
      'application.yaml': 'portico: {application: {main: b.js}}',
      'a.js': '',
    };
    const { config, configOrigins, notes } = await read(files, 'portico:\n  x:\n    y: 2\n');
    expect(config).toMatchObject({ ktor: { x: { y: 2, z: 1 } } });
    expect([configOrigins?.['ktor.x.y'], configOrigins?.['ktor.x.z']]).toEqual([
      'shop.yaml:3',
      'application.conf:1',
    ]);
    expect(notes.join()).toMatch(/application\.yaml is ignored: application\.conf is there as well/);
  });

  it.each<[string, Files, RegExp]>([
    [
      'a mistake in its text',
      { 'application.conf': 'a = 1\nb = [' },
      /application\.conf:2:6: a \] is missing/,
    ],
    ['an unset variable', { 'application.conf': 'a = ${PATH}' }, /application\.conf:1:5: .*PATH/],
    [
      'an include of a URL',
      { 'application.conf': 'include url("http://127.0.0.1/x")' },
      /application\.conf:1:1: .*network/,
    ],
    [
      'an unknown key of the servlet',
      { 'application.conf': 'portico {\n servlet { instnces = 2 }\n}' },
      /application\.conf:2:\d+: portico\.servlet\.instnces: unknown key.*instances/,
    ],
    [
      'a module that is neither file nor package',
      { 'application.conf': 'ktor.application.modules = [none]' },
      /application\.conf:1:\d+: ktor\.application\.modules: module "none" does not exist/,
    ],
    [
      'a package of a folder above',
      { 'application.yaml': 'portico: {application: {modules: [jest]}}' },
      /module "jest" does not exist/,
    ],
  ])('refuses %s', async (_, files, message) => {
    expect((await refusal(read(files))).message).toMatch(message);
  });

  it('says which references within a text stay as they are', async () => {
    const { notes, config } = await read({
      'index.js': '',
      'application.yaml': 'a: { b: "x ${HOST} y", c: "$$5" }',
    });
    expect(config).toEqual({ a: { b: 'x ${HOST} y', c: '$5' } });
    expect(notes).toEqual([expect.stringMatching(/^a\.b: .*is left as it is/)]);
  });
});
