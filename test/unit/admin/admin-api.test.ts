import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PorticoError } from '#host/errors.js';
import { StartFailure } from '#host/supervisor/start-failure.js';
import { applicationStatus, TestAdmin, TOKEN } from '#test/support/admin-server.js';

let admin: TestAdmin;

beforeEach(async () => {
  admin = new TestAdmin(
    [applicationStatus('shop'), applicationStatus('foo#bar##2', { path: '/foo/bar', state: 'failed' })],
    ['admin.example'],
  );
  await admin.start();
});
afterEach(() => admin.stop());

describe('the token', () => {
  it.each([
    '/v1/applications',
    '/V1/applications',
    '//v1/applications',
    '/v1/applications/',
    '/v1//applications',
    '/%761/applications',
    '/./v1/applications',
    '/health/../v1/applications',
    '/health/live/../../v1/applications',
    '/metrics/../v1/server',
    '/health/live/',
    '/health/%6cive',
    '/Metrics',
    '/',
    '/v1/nothing',
    '/v1/%',
    'http://127.0.0.1/v1/applications',
  ])('is required for %s', async (path) => {
    for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS', 'HEAD']) {
      const answer = await admin.ask(method, path, { authorization: '' });
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toBe('Bearer realm="portico"');
    }
    expect(admin.deployments.asked).toEqual([]);
  });

  it.each([
    'Bearer',
    `Bearer ${'b'.repeat(64)}`,
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN.slice(1)}`,
    `Basic ${TOKEN}`,
    TOKEN,
  ])('is not %s', async (authorization) => {
    expect((await admin.ask('GET', '/v1/applications', { authorization })).status).toBe(401);
  });

  it('is accepted whatever the case of the scheme', async () => {
    expect((await admin.ask('GET', '/v1/applications', { authorization: `bearer ${TOKEN}` })).status).toBe(
      200,
    );
  });

  it.each(['/health/live', '/health/ready', '/metrics', '/metrics?name=x'])(
    'is not needed to read %s',
    async (path) => {
      expect((await admin.ask('GET', path, { authorization: '' })).status).toBe(200);
      expect((await admin.ask('POST', path, { authorization: '' })).status).toBe(401);
    },
  );
});

describe('the Host field', () => {
  it.each([
    'localhost',
    'LOCALHOST:9090',
    'localhost.',
    '127.0.0.1:1',
    '127.8.9.1',
    '[::1]:9090',
    'Admin.Example:80',
  ])('may be %s', async (host) => {
    expect((await admin.ask('GET', '/v1/applications', { host })).status).toBe(200);
  });

  it.each([
    'evil.example',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    'localhost@evil.example',
    '[::2]',
    '10.0.0.1',
    'a b',
  ])('may not be %s, even with the token and for open paths', async (host) => {
    for (const path of ['/v1/applications', '/health/live', '/metrics']) {
      expect((await admin.ask('GET', path, { host })).status).toBe(403);
    }
  });
});

describe('applications', () => {
  it('are listed, and found by name and by path', async () => {
    const list = await admin.ask('GET', '/v1/applications');
    expect(list.json['applications']).toMatchObject([
      { name: 'shop' },
      { name: 'foo#bar##2', path: '/foo/bar' },
    ]);
    expect(list.headers['content-type']).toContain('application/json');
    for (const name of ['foo%23bar%23%232', '%2Ffoo%2Fbar']) {
      const found = await admin.ask('GET', `/v1/applications/${name}`);
      expect(found.json['application']).toMatchObject({ name: 'foo#bar##2' });
    }
  });

  it.each(['start', 'stop', 'reload'])('take the action %s by POST only', async (action) => {
    const done = await admin.ask('POST', `/v1/applications/foo%23bar%23%232/${action}`);
    expect(done.status).toBe(200);
    expect(done.json['application']).toMatchObject({ name: 'foo#bar##2' });
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH']) {
      const refused = await admin.ask(method, `/v1/applications/shop/${action}`, {
        'x-http-method-override': 'POST',
      });
      expect(refused.status).toBe(405);
      expect(refused.headers['allow']).toBe('POST');
    }
    expect(admin.deployments.asked).toEqual([`${action} foo#bar##2`]);
  });

  it('are undeployed by DELETE', async () => {
    const answer = await admin.ask('DELETE', '/v1/applications/shop');
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect(admin.deployments.asked).toEqual(['undeploy shop']);
  });

  it.each([
    ['GET', ''],
    ['DELETE', ''],
    ['POST', '/start'],
  ])('that are unknown get 404 for %s%s', async (method, action) => {
    const answer = await admin.ask(method, `/v1/applications/%3Cscript%3E${action}`);
    expect(answer.status).toBe(404);
    expect(answer.json['error']).toMatchObject({ code: 'PORTICO_APPLICATION_UNKNOWN' });
    expect(admin.deployments.asked).toEqual([]);
  });

  const detail = { step: 'load', message: 'boom', stack: 'at shop.js', lastOutput: ['bye'] } as const;
  it.each([
    [new PorticoError('PORTICO_APPLICATION_BUSY', 'busy'), 409, 'PORTICO_APPLICATION_BUSY'],
    [new PorticoError('PORTICO_NOT_REMOVABLE', 'linked'), 409, 'PORTICO_NOT_REMOVABLE'],
    [new PorticoError('PORTICO_APPLICATION_UNKNOWN', 'gone meanwhile'), 404, 'PORTICO_APPLICATION_UNKNOWN'],
    [new StartFailure('shop##1', detail), 422, 'PORTICO_START_FAILED'],
    [new Error('secret inside'), 500, 'PORTICO_INTERNAL'],
  ])('answer with the status of the error: %s', async (failure, status, code) => {
    admin.deployments.failure = failure;
    const answer = await admin.ask('POST', '/v1/applications/shop/start');
    expect(answer.status).toBe(status);
    expect(answer.json['error']).toMatchObject(code === 'PORTICO_START_FAILED' ? { code, detail } : { code });
    expect(answer.text).not.toContain('secret inside');
  });
});

describe('requests', () => {
  it('have a JSON body or none', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await admin.ask('POST', '/v1/applications/shop/start', form, 'a=b')).status).toBe(415);
    expect(
      (await admin.ask('POST', '/v1/applications/shop/start', { 'content-type': 'text/plain' }, '{}')).status,
    ).toBe(415);
    const json = { 'content-type': 'application/json' };
    expect((await admin.ask('POST', '/v1/applications/shop/start', json, '{}')).status).toBe(200);
  });

  it.each([
    ['/v1/nothing', 404],
    ['/v1/applications/%', 400],
    ['/v1/Applications', 404],
    ['/v1/applications/', 404],
  ])('for %s get %d in the common form', async (path, status) => {
    const answer = await admin.ask('GET', path);
    expect(answer.status).toBe(status);
    expect(answer.json['error']).toMatchObject({ code: expect.stringMatching(/^PORTICO_/) });
  });

  it('are never cached, and open to no web page', async () => {
    const answer = await admin.ask('GET', '/v1/server', { origin: 'http://evil.example' });
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect(answer.headers['x-powered-by']).toBeUndefined();
  });
});

describe('the server', () => {
  it('tells what it is without its environment', async () => {
    process.env['PORTICO_TEST_ADMIN_SECRET'] = 'do-not-tell';
    const answer = await admin.ask('GET', '/v1/server');
    delete process.env['PORTICO_TEST_ADMIN_SECRET'];
    expect(answer.json['server']).toMatchObject({
      version: '1.2.3',
      pid: process.pid,
      connectors: [{ name: 'http', port: 8080 }],
      fronts: [{ number: 1, state: 'running' }],
    });
    expect(answer.text).not.toContain('do-not-tell');
    expect(answer.text).not.toContain(TOKEN);
  });

  it('is stopped by POST, after the answer', async () => {
    expect((await admin.ask('GET', '/v1/server/stop')).status).toBe(405);
    expect(admin.stops).toEqual([]);
    const answer = await admin.ask('POST', '/v1/server/stop');
    expect(answer.status).toBe(202);
    expect(admin.stops.length).toBe(1);
  });

  it.each([
    [{ firstPassDone: true, listening: true, draining: false }, 200],
    [{ firstPassDone: false, listening: true, draining: false }, 503],
    [{ firstPassDone: true, listening: false, draining: false }, 503],
    [{ firstPassDone: true, listening: true, draining: true }, 503],
  ])('is ready or not: %j', async (readiness, status) => {
    admin.readiness = readiness;
    const answer = await admin.ask('GET', '/health/ready', { authorization: '' });
    expect(answer.status).toBe(status);
    expect(answer.json).toMatchObject({ ...readiness, applications: { running: 1, failed: 1 } });
    expect((await admin.ask('GET', '/health/live')).status).toBe(200);
  });
});

describe('the admin connector', () => {
  it('reports a port that is in use', async () => {
    const second = new TestAdmin([]);
    await expect(second.start(admin.port)).rejects.toMatchObject({
      code: 'PORTICO_PORT_IN_USE',
      message: expect.stringContaining(`The admin API cannot listen on 127.0.0.1:${admin.port}`),
    });
  });

  it('closes within its time though a client keeps a connection open', async () => {
    const client = connect(admin.port, '127.0.0.1');
    await once(client, 'connect');
    client.write('POST /v1/applications/shop/start HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n');
    const closed = once(client, 'close');
    await admin.stop();
    await closed;
    await expect(admin.ask('GET', '/health/live')).rejects.toThrow('ECONNREFUSED');
  });
});
