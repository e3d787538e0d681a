import { availableParallelism } from 'node:os';
import { afterAll, describe, expect, it } from '@jest/globals';
import { readHostConfig } from '#host/config/read-host-config.js';
import { HostConfigs } from '#test/support/host-configs.js';

const configs = new HostConfigs();
const { read } = configs;

afterAll(() => configs.remove());

describe('fronts', () => {
  it('are one, or as many as is said', () => {
    expect(read('admin:').fronts).toBe(1);
    expect(read('fronts: 3').fronts).toBe(3);
    expect(read('fronts: auto').fronts).toBe(Math.max(1, Math.floor(availableParallelism() / 2)));
  });

  it.each([
    ['fronts: 0', /0 is out of bounds: from 1 to 64, or auto/],
    ['fronts: 65', /out of bounds/],
    ['fronts: 1.5', /neither a whole number nor auto/],
    ['fronts: all', /"all" is neither/],
  ])('%s', (text, message) => {
    expect(() => read(text)).toThrow(message);
  });
});

describe('Unix sockets', () => {
  it('are read with their defaults; the command line speaks of the first port', () => {
    const config = read(`
connectors:
  - socket: { path: run/http.sock }
  - socket: { path: /run/b.sock, mode: 0666, owner: www, group: 33 }
  - port: 8081
`);
    expect(config.connectors).toMatchObject([
      { name: 'http', host: '', port: 0, socket: { path: `${config.base}/run/http.sock`, mode: 0o660 } },
      { name: 'http-2', socket: { path: '/run/b.sock', mode: 0o666, owner: 'www', group: '33' } },
      { name: 'http-3', host: '0.0.0.0', port: 8081 },
    ]);
    const base = configs.folder.write('override', {
      'host.yaml': 'connectors: [{socket: {path: a}}, {port: 1}]',
    });
    const overridden = readHostConfig({ base, env: { PORTICO_PORT: '2' }, overrides: { host: '::1' } });
    expect(overridden.connectors).toMatchObject([
      { host: '', port: 0 },
      { host: '::1', port: 2 },
    ]);
  });

  it.each([
    ['connectors: [{socket: {}}]', /path: is required/],
    [
      'connectors: [{socket: {path: a}, port: 80}]',
      /connectors\[0\]\.port: does not go together with socket/,
    ],
    ['connectors: [{socket: {path: a}, host: a}]', /connectors\[0\]\.host: does not go/],
    ['connectors: [{socket: {path: a}}, {socket: {path: ./a}}]', /connector "http" listens on .*\/a already/],
    [`connectors: [{socket: {path: ${'a'.repeat(108)}}}]`, /has \d+ bytes; the system allows 10[37]/],
    // What YAML makes of 0o660 is 432.
    ['connectors: [{socket: {path: a, mode: 0o660}}]', /432 is no mode/],
    ['connectors: [{socket: {path: a, mode: 0o600}}]', /384 is no mode/],
    ['connectors: [{socket: {path: a, mode: 0o777}}]', /511 is no mode/],
    ['connectors: [{socket: {path: a, mode: rw}}]', /"rw" is no mode.*0660/],
    ['connectors: [{socket: {path: a, mode: 0060}}]', /is no mode/],
  ])('%s', (text, message) => {
    expect(() => read(text)).toThrow(message);
  });
});

describe('trusted proxies', () => {
  it('are nobody, or those of the list', () => {
    const config = read(`
connectors:
  - port: 0
  - { port: 0, trustedProxies: [10.0.0.0/8, "::1", unix] }
  - { port: 0, trustedProxies: [10.0.0.1], forwardedHeaders: [forwarded] }
`);
    expect(config.connectors.map(({ forwarding }) => forwarding)).toEqual([
      { proxies: [], fields: ['x-forwarded-for', 'x-forwarded-proto'] },
      { proxies: ['10.0.0.0/8', '::1', 'unix'], fields: ['x-forwarded-for', 'x-forwarded-proto'] },
      { proxies: ['10.0.0.1'], fields: ['forwarded'] },
    ]);
  });

  it.each([
    ['connectors: [{trustedProxies: 10.0.0.1}]', /must be a list/],
    [
      'connectors: [{trustedProxies: [proxy]}]',
      /trustedProxies\[0\]: "proxy" is no address: write 10\.0\.0\.1/,
    ],
    ['connectors: [{trustedProxies: [10.0.0.0/33]}]', /is no address/],
    ['connectors: [{forwardedHeaders: [forwarded]}]', /forwardedHeaders: nobody is trusted/],
    ['connectors: [{trustedProxies: [unix], forwardedHeaders: []}]', /the list is empty/],
    ['connectors: [{trustedProxies: [unix], forwardedHeaders: [x-forwarded]}]', /is not one of/],
    [
      'connectors: [{trustedProxies: [unix], forwardedHeaders: [forwarded, x-forwarded-for]}]',
      /exclude each other/,
    ],
  ])('%s', (text, message) => {
    expect(() => read(text)).toThrow(message);
  });
});

describe('the PROXY protocol', () => {
  it('is spoken by those who are named', () => {
    const config = read(`
connectors:
  - { port: 0, proxyProtocol: { from: [10.0.0.0/8] } }
  - { port: 0, proxyProtocol: { from: [unix, "::1"], required: false, timeout: 1s } }
  - port: 0
`);
    expect(config.connectors.map(({ proxyProtocol }) => proxyProtocol)).toEqual([
      { from: ['10.0.0.0/8'], required: true, timeoutMs: 5000 },
      { from: ['unix', '::1'], required: false, timeoutMs: 1000 },
      undefined,
    ]);
  });

  it.each([
    ['connectors: [{proxyProtocol: true}]', /must be a section/],
    ['connectors: [{proxyProtocol: {}}]', /proxyProtocol\.from: /],
    ['connectors: [{proxyProtocol: {from: []}}]', /the list is empty: nobody could connect/],
    ['connectors: [{proxyProtocol: {from: [any]}}]', /"any" is no address/],
    ['connectors: [{proxyProtocol: {from: [unix], timeout: 1ms}}]', /out of bounds/],
  ])('%s', (text, message) => {
    expect(() => read(text)).toThrow(message);
  });
});

describe('sockets of systemd', () => {
  it('are named, several times if need be', () => {
    const config = read('connectors: [{systemd: web}, {systemd: web}, {port: 0}]');
    expect(config.connectors).toMatchObject([
      { name: 'http', host: '', port: 0, systemd: 'web' },
      { name: 'http-2', systemd: 'web' },
      { name: 'http-3', port: 0 },
    ]);
  });

  it.each([
    ['connectors: [{systemd: web, port: 80}]', /port: does not go together with systemd/],
    ['connectors: [{systemd: web, socket: {path: a}}]', /socket: does not go together with systemd/],
    ['connectors: [{systemd: "a:b"}]', /"a:b" is no name of a socket/],
    ['connectors: [{systemd: ""}]', /is no name of a socket/],
  ])('%s', (text, message) => {
    expect(() => read(text)).toThrow(message);
  });
});
