// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is the notation of HOCON
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ApplicationCallPipeline, ConsoleLog } from 'portico';
import { DevelopmentEngine, EngineMain } from 'portico/embedded';
import { limitSettings } from '#host/engine/limit-settings.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

let temporary: TemporaryFolder;
let serial = 0;
beforeAll(() => {
  temporary = new TemporaryFolder();
});
afterAll(() => temporary.remove());

class Lines extends ConsoleLog {
  readonly lines: string[] = [];
  override info(message: string): void {
    this.lines.push(message);
  }
  override warn(message: string): void {
    this.lines.push(`warn ${message}`);
  }
}

type Files = Readonly<Record<string, string>>;

function create(
  args: readonly string[],
  files: Files = {},
  more: Parameters<typeof EngineMain.createServer>[1] = {},
) {
  const folder = temporary.write(`app-${serial++}`, files);
  return EngineMain.createServer(args, { folder, env: {}, log: new ConsoleLog('silent'), ...more });
}

describe('EngineMain', () => {
  it('takes limits and the time for answers from the configuration', async () => {
    const log = new Lines('silent');
    const config = `portico.deployment { port = 0, host = 127.0.0.1, responseTimeout = 100ms, maxHeaderSize = 9000
      limits { maxTargetSize = 1KiB, maxHeaderSize = 2KiB } }`;
    const server = await create(
      [],
      { 'application.conf': config },
      {
        log,
        modules: [
          (application) =>
            application.intercept(ApplicationCallPipeline.Call, ({ context: call }) =>
              call.localPath === '/never' ? new Promise(() => undefined) : call.respondText('hi'),
            ),
        ],
      },
    );
    await server.start();
    const [connector] = await server.resolvedConnectors();
    const status = async (path: string, headers = {}) =>
      (await fetch(`http://127.0.0.1:${connector?.port}${path}`, { headers })).status;
    expect(await status('/')).toBe(200);
    expect(await status(`/${'a'.repeat(1024)}`)).toBe(414);
    expect(await status('/', { 'X-Long': 'a'.repeat(2048) })).toBe(431);
    expect(await status('/never')).toBe(504);
    expect(log.lines.join()).not.toContain('Not in effect');
    await server.stop(0);
  });

  it.each([
    [
      'limits.maxHeaderSize = 10B',
      /portico\.deployment\.limits\.maxHeaderSize is 10B, but .*application\.conf:/,
    ],
    ['maxInitialLineLength = 1', /portico\.deployment\.maxInitialLineLength is 1, but /],
  ])('refuses the limit %s', async (setting, message) => {
    const files = { 'application.conf': `portico.deployment.port = 0\nportico.deployment.${setting}` };
    await expect(create([], files)).rejects.toMatchObject({ code: 'PORTICO_PROPERTY_TYPE' });
    await expect(create([], files)).rejects.toThrow(message);
  });

  it('is also called DevelopmentEngine', () => {
    expect(DevelopmentEngine).toBe(EngineMain);
  });

  it('serves the modules of the configuration under its root path, and says where', async () => {
    const log = new Lines('silent');
    const files = {
      'application.conf':
        'ktor { application { modules = ["app.mjs#hello"] }, deployment { port = 0, host = 127.0.0.1, rootPath = /shop } }\ngreeting = hi',
      'app.mjs': "export const hello = (a) => void a.log.info('module ' + a.rootPath);",
    };
    const server = await create(['-prt=8', '-P:greeting', '--verbose'], files, {
      log,
      modules: [
        (application) =>
          application.intercept(ApplicationCallPipeline.Call, ({ context: call }) =>
            call.respondText(application.environment.config.property('greeting').getString()),
          ),
      ],
    });
    await server.start();
    const [connector] = await server.resolvedConnectors();
    const response = await fetch(`http://127.0.0.1:${connector?.port}/shop/`);
    expect(await response.text()).toBe('hi');
    await server.stop(0);
    expect(log.lines).toEqual([
      'warn -prt is not an option and has no effect.',
      'warn -P:greeting without = is not an option and has no effect.',
      'module /shop',
      expect.stringMatching(/^Application started/),
      `Responding at http://127.0.0.1:${connector?.port}`,
    ]);
  });

  it('ends main when the server has stopped, and on SIGTERM stops it', async () => {
    const before = process.listenerCount('SIGTERM');
    const ended = EngineMain.main(['-port=0', '-host=127.0.0.1'], {
      folder: temporary.write(`app-${serial++}`, {}),
      env: {},
      log: new ConsoleLog('silent'),
      modules: [() => void setImmediate(() => process.emit('SIGTERM', 'SIGTERM'))],
    });
    expect((await ended).environment.connectors).toEqual([{ scheme: 'http', host: '127.0.0.1', port: 0 }]);
    expect(process.listenerCount('SIGTERM')).toBe(before);
  });

  it.each<[string, string, number]>([
    ['one', 'requestReadTimeoutSeconds = 7', 7000],
    ['the longer of both', 'requestReadTimeoutSeconds = 7, responseWriteTimeoutSeconds = 9', 9000],
    [
      'without an end as the default',
      'requestReadTimeoutSeconds = 0, responseWriteTimeoutSeconds = 9',
      30_000,
    ],
    ['none where ours is set', 'requestReadTimeoutSeconds = 7, limits.bodyIdleTimeout = 3s', 3000],
  ])("takes Ktor's time limits of reading and writing: %s", async (_, settings, limitMs) => {
    const files = { 'application.conf': `ktor.deployment { port = 0, ${settings} }` };
    const log = new Lines('silent');
    const { environment } = await create([], files, { log });
    const limits = limitSettings(environment.config.config('portico.deployment'));
    expect(limits).toEqual({ bodyIdleTimeoutMs: limitMs });
    expect(log.lines).toEqual([]);
  });

  it('takes settings of other engines without effect, and says so once', async () => {
    const log = new Lines('silent');
    const files = {
      'application.conf':
        'ktor.deployment { port = 0, callGroupSize = 8, connectionGroupSize = 2, workerGroupSize = 2, maxChunkSize = 3 }',
    };
    await create(['-P:ktor.deployment.runningLimit=9'], files, { log });
    expect(log.lines).toEqual([
      'Not in effect, this engine has no use for them: portico.deployment.callGroupSize, ' +
        'portico.deployment.connectionGroupSize, portico.deployment.workerGroupSize, ' +
        'portico.deployment.runningLimit, portico.deployment.maxChunkSize.',
    ]);
  });

  it('takes sources in their order: files, environment, -P, flags', async () => {
    const files = {
      'one.yaml': 'a: 1\nb: 1\nc: 1\nportico: { deployment: { port: 1, watch: [dist] } }\n',
      'two.json': '{"b": 2, "c": 2}',
      'three.properties': 'c = 3',
    };
    const args = [
      '-config=one.yaml',
      '-config=two.json',
      '-config=three.properties',
      '-P:portico.deployment.port=3',
    ];
    const env = { 'ktor.deployment.port': '2', 'portico.x': 'env' };
    const { environment } = await create(args, files, { env });
    const value = (path: string) => environment.config.property(path);
    expect(['a', 'b', 'c', 'portico.x'].map((path) => value(path).getString())).toEqual([
      '1',
      '2',
      '3',
      'env',
    ]);
    expect(value('ktor.deployment.port')).toMatchObject({ value: '3', origin: 'command line' });
    expect([value('b').origin, value('c').origin, value('portico.x').origin]).toEqual([
      'two.json:1',
      'three.properties:1',
      'environment',
    ]);
    expect(environment).toMatchObject({ watchPaths: ['dist'], connectors: [{ port: 3 }] });
  });

  it('takes application.conf before application.yaml, and nothing when there is neither', async () => {
    const files = { 'application.yaml': 'a: yaml', 'application.conf': 'a = conf' };
    expect((await create(['-port=1'], files)).environment.config.property('a').getString()).toBe('conf');
    expect((await create(['-port=1'])).environment.config.keys()).toEqual([]);
    const named = await create(['-port=1'], files, { env: { 'config.file': 'application.yaml' } });
    expect(named.environment.config.property('a').getString()).toBe('yaml');
  });

  it.each<[string, string[], Files, string, RegExp]>([
    ['no port', [], {}, 'PORTICO_PORT_MISSING', /^Neither port nor sslPort specified/],
    ['-sslPort', ['-sslPort=443'], {}, 'PORTICO_TLS_MISSING', /no certificate/],
    [
      '-sslKeyStore of nothing',
      ['-sslPort=1', '-sslKeyStore=a.jks'],
      {},
      'PORTICO_KEY_STORE',
      /a\.jks cannot be read/,
    ],
    [
      'sslPort in the file',
      ['-port=1'],
      { 'application.conf': 'ktor.deployment.sslPort = 443' },
      'PORTICO_TLS_MISSING',
      /no certificate/,
    ],
    ['a port that is none', ['-port=x'], {}, 'PORTICO_ARGUMENT_INVALID', /-port=x is not a port/],
    [
      'a port that is too high',
      [],
      { 'application.yaml': 'portico:\n  deployment:\n    port: 70000\n' },
      'PORTICO_PROPERTY_TYPE',
      /70000 is not a port \(application\.yaml:3\)/,
    ],
    [
      'a port that is text',
      [],
      { 'application.conf': '\nportico.deployment.port = web' },
      'PORTICO_PROPERTY_TYPE',
      /a number is needed \(application\.conf:2\)/,
    ],
    [
      'a time that no timer can wait',
      [],
      { 'application.yaml': 'portico:\n  deployment:\n    port: 0\n    responseTimeout: 9999999999\n' },
      'PORTICO_PROPERTY_TYPE',
      /9999999999 is too long a time \(application\.yaml:4\)/,
    ],
    ['-P without a key', ['-port=1', '-P:=x'], {}, 'PORTICO_ARGUMENT_INVALID', /does not name a property/],
    [
      'a file that is not there',
      ['-port=1', '-config=none.conf'],
      {},
      'PORTICO_FILE_UNREADABLE',
      /none\.conf does not exist/,
    ],
    [
      'a file of another kind',
      ['-port=1', '-config=a.toml'],
      { 'a.toml': '' },
      'PORTICO_CONFIG_KIND',
      /a\.toml/,
    ],
    [
      'an unset variable',
      ['-port=1'],
      { 'application.conf': 'a {\n  b = ${NOT_SET}\n}' },
      'PORTICO_CONFIG_INVALID',
      /application\.conf:2:7: .*NOT_SET/,
    ],
    [
      'an unknown startup',
      ['-port=1', '-P:portico.application.startup=x'],
      {},
      'PORTICO_STARTUP_INVALID',
      /"x" \(command line\)/,
    ],
  ])('refuses %s', async (_, args, files, code, message) => {
    await expect(create(args, files)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it('refuses to serve nothing where modules are required', async () => {
    const made = create(['-port=0'], {}, { requiresModules: true });
    await expect(made).rejects.toMatchObject({ code: 'PORTICO_MODULES_MISSING' });
  });
});
