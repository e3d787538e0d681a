// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is the notation of host.yaml
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { ConfigError } from '#host/config/config-error.js';
import type { HostConfig } from '#host/config/host-config.js';
import { type HostConfigSource, readHostConfig } from '#host/config/read-host-config.js';
import { HostConfigs } from '#test/support/host-configs.js';
import { repositoryFolder } from '#test/support/paths.js';

const configs = new HostConfigs();
const { read } = configs;

afterAll(() => configs.remove());

function refusal(text: string, source: Partial<HostConfigSource> = {}): ConfigError {
  try {
    read(text, source);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

/** `line:column path message` of each problem. */
function lines(error: ConfigError): string[] {
  return error.problems.map(({ line, column, path, message }) => `${line}:${column} ${path} ${message}`);
}

describe('readHostConfig', () => {
  it('reads what is closed for maintenance, with the content of its page', () => {
    for (const text of [
      'maintenance: false',
      'maintenance:',
      'hosts: [{ name: a.example, maintenance: false }]',
    ])
      expect(read(text).maintenance).toBeUndefined();
    expect(read('maintenance: true').maintenance).toEqual({
      host: { retryAfterSeconds: 300 },
      virtualHosts: {},
    });
    const config = read('hosts: [{ name: a.example, maintenance: { retryAfter: 1500ms } }]');
    expect(config.maintenance).toEqual({ virtualHosts: { 'a.example': { retryAfterSeconds: 2 } } });
    expect(config.virtualHosts?.hosts).toEqual([{ name: 'a.example', aliases: [] }]);
    expect(lines(refusal('maintenance: { retryAfter: 10ms, pages: a }'))).toEqual([
      expect.stringContaining('maintenance.retryAfter "10ms" is out of bounds'),
      expect.stringContaining('maintenance.pages unknown key; known here: page, retryAfter'),
    ]);
    expect(lines(refusal('hosts: [{ name: a.example, maintenance: { page: gone.html } }]'))).toEqual([
      expect.stringMatching(/^1:\d+ hosts\[0\]\.maintenance\.page .*gone\.html does not exist/),
    ]);
    expect(lines(refusal('maintenance: closed'))[0]).toContain('maintenance');
  });

  it('gives the defaults when there is no file', () => {
    const base = configs.folder.write('empty', {});
    const config = readHostConfig({ base, env: {} });
    expect(config.file).toBeUndefined();
    expect(config.folders).toEqual({
      apps: join(base, 'apps'),
      logs: join(base, 'logs'),
      work: join(base, 'work'),
      run: join(base, 'run'),
    });
    expect(config.connectors).toMatchObject([
      {
        name: 'http',
        host: '0.0.0.0',
        port: 8080,
        limits: { maxHeaderBytes: 16_384, headerTimeoutMs: 20_000 },
      },
    ]);
    expect(config.admin).toEqual({ host: '127.0.0.1', port: 9090 });
    expect(config.deployer).toEqual({ scanIntervalMs: 2000, stabilityWindowMs: 1000, maxParallelStarts: 4 });
    expect(config.archives).toEqual({
      maxTotalBytes: 1024 ** 3,
      maxFileBytes: 256 * 1024 ** 2,
      maxEntries: 50_000,
      maxRatio: 100,
      maxDepth: 64,
    });
    expect(config.applications).toMatchObject({
      startWhen: 'eager',
      instances: 1,
      maxHeapBytes: 256 * 1024 ** 2,
      maxMemoryBytes: 1024 ** 3,
      env: {},
    });
    expect(config.shutdownTimeoutMs).toBe(30_000);
  });

  it("reads the repository's own file, which keeps the top level clean and shows the defaults", () => {
    const config = readHostConfig({
      base: repositoryFolder,
      file: join(repositoryFolder, 'deploy/host.yaml'),
      env: {},
    });
    expect(config.connectors).toMatchObject([{ port: 8080 }]);
    expect(config.admin).toEqual({ host: '127.0.0.1', port: 9090 });
    expect(config.folders).toEqual({
      apps: join(repositoryFolder, 'apps'),
      logs: join(repositoryFolder, '.portico/logs'),
      work: join(repositoryFolder, '.portico/work'),
      run: join(repositoryFolder, '.portico/run'),
    });
    const defaults = readHostConfig({ base: configs.folder.path, env: {} });
    expect({ ...config, folders: 0, base: 0, file: 0 }).toEqual({
      ...defaults,
      folders: 0,
      base: 0,
      file: 0,
    });
  });

  it('reads every key', () => {
    const config = read(`
folders: { apps: drop, logs: /var/log/x, work: w, run: r }
connectors:
  - name: main
    host: 127.0.0.1
    port: 0
    limits: { maxHeaderSize: 32KiB, maxHeaderCount: 50, maxTargetSize: 4KiB, headerTimeout: 5s, bodyIdleTimeout: 6s, minBodyRate: 1KiB, minReadRate: 0, keepAliveTimeout: 7s, maxRequestsPerConnection: 8, maxConnections: 9 }
  - port: 8081
admin: { host: "::1", port: 0 }
deployer: { scanInterval: 1s, stabilityWindow: 0, maxParallelStarts: 2 }
archives: { maxTotalSize: 1MiB, maxFileSize: 2MiB, maxEntries: 3, maxRatio: 4, maxDepth: 5 }
applications:
  prefix: keep
  instances: 2
  start: { when: lazy, timeout: 1m }
  stop: { timeout: 2s }
  drain: { timeout: 3s }
  response: { timeout: 0 }
  hang: { timeout: 5s }
  limits: { heap: 64MiB, body: 0 }
  restart: { minDelay: 1s, maxDelay: 2s, maxCrashes: 3, window: 4s }
  env: { NODE_ENV: production, N: 5, EMPTY: }
accessLog: { enabled: false, format: json, maxFileSize: 1MiB, keptFiles: 2 }
output: { maxFileSize: 3MiB, keptFiles: 4 }
shutdownTimeout: 5s
`);
    expect(config).toMatchObject({
      folders: { apps: join(config.base, 'drop'), logs: '/var/log/x' },
      connectors: [
        {
          name: 'main',
          port: 0,
          limits: {
            maxHeaderBytes: 32_768,
            maxHeaderCount: 50,
            maxTargetBytes: 4096,
            headerTimeoutMs: 5000,
            bodyIdleTimeoutMs: 6000,
            minBodyBytesPerSecond: 1024,
            minReadBytesPerSecond: 0,
            keepAliveTimeoutMs: 7000,
            maxRequestsPerConnection: 8,
            maxConnections: 9,
          },
        },
        { name: 'http-2', port: 8081 },
      ],
      admin: { host: '::1', port: 0 },
      deployer: { scanIntervalMs: 1000, stabilityWindowMs: 0, maxParallelStarts: 2 },
      archives: { maxTotalBytes: 1048576, maxFileBytes: 2097152, maxEntries: 3, maxRatio: 4, maxDepth: 5 },
      applications: {
        prefix: 'keep',
        instances: 2,
        startWhen: 'lazy',
        startTimeoutMs: 60_000,
        stopTimeoutMs: 2000,
        drainTimeoutMs: 3000,
        responseTimeoutMs: 0,
        hangTimeoutMs: 5000,
        maxHeapBytes: 64 * 1024 ** 2,
        maxMemoryBytes: 1024 ** 3,
        maxBodyBytes: 0,
        restart: { minDelayMs: 1000, maxDelayMs: 2000, maxCrashes: 3, windowMs: 4000 },
        env: { NODE_ENV: 'production', N: '5', EMPTY: '' },
      },
      accessLog: { enabled: false, format: 'json', maxFileBytes: 1048576, keptFiles: 2 },
      output: { maxFileBytes: 3 * 1048576, keptFiles: 4 },
      shutdownTimeoutMs: 5000,
    });
  });

  it('reports every problem at once, with file, line, column, path and suggestion', () => {
    const error = refusal(`connectors:
  - name: http
    prot: 8080
    port: eighty
  - limits: 5
admin:
  port: 99999
deployer: { scanInterval: 5, stabilityWindow: 1sec }
accessLog: { format: jsn, enabled: yes }
archives: [1]
output: { maxFileSize: 10MB }
shutdownTimeout: \${NOT_SET}
conectors: []
`);
    expect(error.code).toBe('PORTICO_CONFIG_INVALID');
    expect(lines(error).map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      '3:5 connectors[0].prot',
      '4:11 connectors[0].port',
      '5:13 connectors[1].limits',
      '7:9 admin.port',
      '8:27 deployer.scanInterval',
      '8:47 deployer.stabilityWindow',
      '9:22 accessLog.format',
      '9:36 accessLog.enabled',
      '10:11 archives',
      '11:24 output.maxFileSize',
      '12:18 shutdownTimeout',
      '13:1 conectors',
    ]);
    expect(error.problems.map(({ suggestion }) => suggestion)).toEqual([
      'port',
      undefined,
      undefined,
      undefined,
      '5s',
      '1s',
      'json',
      'true',
      undefined,
      '10MiB',
      undefined,
      'connectors',
    ]);
    const file = error.problems[0]?.file;
    expect(error.message).toContain(
      `${file}:3:5: connectors[0].prot: unknown key; known here: name, host, port,`,
    );
    expect(error.message).toContain('(did you mean "port"?)');
    expect(error.message).toContain('NOT_SET is not set');
    expect(error.message.split('\n')).toHaveLength(12);
  });

  it.each([
    ['admin:', undefined],
    ['connectors:', undefined],
    ['connectors: []', /at least one/],
    ['connectors: {port: 1}', /must be a list/],
    ['connectors: [{port: -1}]', /out of bounds/],
    ['connectors: [{port: 80.5}]', /whole number/],
    ['connectors: [{port: 1}, {port: 1}]', /already taken/],
    ['connectors: [{name: a, port: 0}, {name: a, port: 0}]', /two connectors/],
    ['connectors: [{port: 0}, {port: 0}]', undefined],
    ['connectors: [{host: "a b"}]', /not a host name/],
    ['connectors: [{host: 256.1.1.1}]', /not a host name/],
    ['admin: {port: 8080}', /already taken by connector "http"/],
    ['admin: {host: true}', /not a host name/],
    ['folders: {work: apps/work}', /lies in the drop folder/],
    ['folders: {work: .}', /holds the drop folder/],
    ['folders: {apps: ""}', /empty/],
    ['applications: {instances: 0}', /out of bounds/],
    ['applications: {limits: {heap: 1KiB}}', /out of bounds/],
    ['applications: {env: {"A B": x}}', /name of an environment variable/],
    ['applications: {env: {A: [1]}}', /not text/],
    ['applications: {restart: {minDelay: 1h}}', /shorter than minDelay/],
    ['applications: {limits: {queue: 5, concurrency: 5, outputRate: 10MiB/s}}', undefined],
    ['applications: {limits: {outputRate: 10MiB}}', /no rate/],
    ['applications: {limits: {outputRate: 100B/s}}', /out of bounds/],
    ['applications: {limits: {outputRate: 1MB/s}}', /MiB/],
    ['applications: {queue: {size: 5, timeout: 5s}}', undefined],
    ['applications: {queue: {timeout: 5}}', /unit/],
    ['applications: {context: /x}', /unknown key/],
    ['shutdownTimeout:', /empty/],
  ])('%s', (text, message) => {
    if (message === undefined) expect(read(text).connectors.length).toBeGreaterThan(0);
    else expect(refusal(text).message).toMatch(message);
  });

  it('refuses a file that is missing, a folder, a pipe, binary or huge, without waiting', () => {
    const pipe = configs.folder.at('pipe');
    execFileSync('mkfifo', [pipe]);
    writeFileSync(configs.folder.at('binary'), Buffer.from([0x61, 0xff, 0xfe]));
    writeFileSync(configs.folder.at('huge'), Buffer.alloc(2 * 1024 ** 2, 'a: 1\n'));
    const cases: [string, RegExp][] = [
      [configs.folder.at('missing.yaml'), /does not exist/],
      [configs.folder.path, /not a regular file/],
      [pipe, /not a regular file/],
      [configs.folder.at('binary'), /not UTF-8/],
      [configs.folder.at('huge'), /at most 256KiB/],
    ];
    for (const [file, message] of cases) {
      expect(() => readHostConfig({ base: configs.folder.path, file, env: {} })).toThrow(message);
    }
  });

  it('takes ports from the command line before the environment before the file', () => {
    const text = 'connectors: [{port: 1000}]\nadmin: {port: 1001}\n';
    const env = { PORTICO_PORT: '2000', PORTICO_ADMIN_PORT: '2001' };
    const ports = (config: HostConfig) => [config.connectors[0]?.port, config.admin.port];
    expect(ports(read(text))).toEqual([1000, 1001]);
    expect(ports(read(text, { env }))).toEqual([2000, 2001]);
    expect(ports(read(text, { env, overrides: { port: 3000, adminPort: 0, host: '127.0.0.1' } }))).toEqual([
      3000, 0,
    ]);
    expect(ports(read(text, { env: { PORTICO_PORT: '' } }))).toEqual([1000, 1001]);
    expect(refusal(text, { env: { PORTICO_PORT: 'http' } }).message).toMatch(
      /environment: PORTICO_PORT: "http" is not a port/,
    );
    expect(refusal(text, { overrides: { port: 70_000, host: 'a b' } }).message).toMatch(
      /--port: 70000 is not a port[\s\S]*--host/,
    );
    expect(refusal('admin: {port: 5000}', { overrides: { port: 5000 } }).message).toMatch(/already taken/);
  });

  it('puts variables in, quoted or not', () => {
    const env = { PORT: '81', NAME: 'main' };
    const config = read('connectors:\n  - port: ${PORT}\n    name: ${NAME}\n  - { port: "${OTHER:82}" }\n', {
      env,
    });
    expect(config.connectors).toMatchObject([{ port: 81, name: 'main' }, { port: 82 }]);
    expect(refusal('shutdownTimeout: ${PORT}', { env }).problems[0]?.suggestion).toBe('81s');
  });

  it('reads virtual hosts in their one form', () => {
    const { virtualHosts } = read(
      'hosts:\n  - name: Shop.Example.\n    aliases: ["*.Shop.example", bücher.example, "[::1]"]\n  - { name: blog.example }\n' +
        'defaultHost: BLOG.example\nunknownHost: "421"\n',
    );
    expect(virtualHosts).toEqual({
      hosts: [
        { name: 'shop.example', aliases: ['*.shop.example', 'xn--bcher-kva.example', '::1'] },
        { name: 'blog.example', aliases: [] },
      ],
      defaultHost: 'blog.example',
      unknownHost: 421,
    });
    expect(read('hosts: []\n').virtualHosts).toBeUndefined();
    expect(read('shutdownTimeout: 1s\n').virtualHosts).toBeUndefined();
  });

  it.each([
    ['hosts: shop.example', /^1:8 hosts must be a list/],
    [
      'hosts: [{ name: "*.a.example" }]',
      /hosts\[0\]\.name "\*\.a\.example" is not a host name: .* one of the aliases/,
    ],
    ['hosts: [{ aliases: [a.example] }]', /hosts\[0\]\.name is required/],
    ['hosts: [{ name: a.example, alias: b.example }]', /hosts\[0\]\.alias unknown key/],
    ['hosts: [{ name: "a.example:80" }]', /no scheme, port, path or blank/],
    ['hosts: [{ name: shop.portico.internal }]', /names applications call each other/],
    ['hosts: [{ name: a.example, aliases: ["*.portico.internal"] }]', /aliases\[0\] .* cannot be a host/],
    ['hosts: [{ name: 1.2.3 }]', /looks like an IP address and is none/],
    ['hosts: [{ name: a.example, aliases: ["*"] }]', /make this host the defaultHost/],
    [
      'hosts: [{ name: a.example, aliases: ["a.*"] }]',
      /aliases\[0\] .* stands for whole labels, at the beginning/,
    ],
    [
      'hosts: [{ name: a.example }, { name: A.example }]',
      /hosts\[1\]\.name a\.example is there twice: the host a\.example has it/,
    ],
    [
      'hosts: [{ name: a.example, aliases: [b.example] }, { name: b.example }]',
      /hosts\[1\]\.name b\.example is there twice/,
    ],
    [
      'hosts: [{ name: a.example, aliases: [a.example.] }]',
      /aliases\[0\] a\.example is there twice: this host has it already/,
    ],
    ['hosts: [{ name: a.example }]\ndefaultHost: b.example', /^2:14 defaultHost b\.example is not a host/],
    ['defaultHost: b.example', /defaultHost b\.example is not a host: there are no "hosts"/],
    ['hosts: [{ name: a.example }]\nunknownHost: 404', /^2:14 unknownHost 404 leaves the applications/],
    ['unknownHost: 403', /unknownHost 403 is not one of default, 404, 421, close/],
    ['hosts: [{ name: a.example, aliases: [*.a.example] }]', /text that begins with \* needs quotes/],
  ])('refuses the virtual hosts of %s', (text, message) => {
    expect(lines(refusal(`${text}\n`)).join('\n')).toMatch(message);
  });
});
