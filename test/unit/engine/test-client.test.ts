import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Application, routing } from 'portico';
import { TestApplication, TestCookieJar, TestStatusError } from 'portico/testing';
import { until } from '#test/support/polling.js';

function module(application: Application): void {
  routing(application, (r) => {
    r.route('/echo', (echo) =>
      echo.handle(async (call) => ({
        method: call.request.method,
        type: call.request.contentType,
        length: call.request.contentLength,
        cookie: call.request.header('cookie'),
        agent: call.request.header('user-agent'),
        authorization: call.request.header('authorization'),
        body: await call.receiveText(),
      })),
    );
    r.post('/pipe', async (call) => call.respondStream(await call.receiveStream()));
    r.get('/set', (call) => {
      for (const line of call.request.queryParameters.getAll('c') ?? [])
        call.response.header('Set-Cookie', line);
      return call.respondText('set');
    });
    r.route('/redirect/{status}', (redirect) =>
      redirect.handle((call) => {
        call.response.header('Location', call.request.queryParameters.get('to') ?? '/echo');
        return call.respondStatus(Number(call.parameters.status));
      }),
    );
    r.get('/loop', (call) => call.respondRedirect('/loop'));
    r.get(
      '/never',
      (call) => new Promise<void>((resolve) => call.signal.addEventListener('abort', () => resolve())),
    );
  });
}

let shop: TestApplication;
beforeAll(() => {
  shop = new TestApplication((t) => {
    t.application(module);
    t.externalServices((services) => services.hosts('https://elsewhere.example', module));
  });
});
afterAll(() => shop.stop());

async function echoed(response: { json(): Promise<unknown> }): Promise<Record<string, unknown>> {
  return (await response.json()) as Record<string, unknown>;
}

describe('a request of the test client', () => {
  it.each(['get', 'post', 'put', 'patch', 'delete', 'options'] as const)('can be %s', async (method) => {
    expect(await echoed(await shop.client[method]('/echo'))).toMatchObject({ method: method.toUpperCase() });
  });

  it('can be head, or any other method', async () => {
    const head = await shop.client.head('/echo');
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect(await echoed(await shop.client.request('QUERY', '/echo'))).toMatchObject({ method: 'QUERY' });
  });

  it.each([
    [{ body: 'grüße' }, { length: 7, body: 'grüße' }],
    [{ json: { a: 1 } }, { type: 'application/json', body: '{"a":1}' }],
    [{ form: { a: '1 2', b: 'ü' } }, { type: 'application/x-www-form-urlencoded', body: 'a=1+2&b=%C3%BC' }],
    [
      { json: 1, headers: { 'content-type': 'text/x' } },
      { type: 'text/x', body: '1' },
    ],
  ])('sends %j', async (options, expected) => {
    expect(await echoed(await shop.client.post('/echo', options))).toMatchObject(expected);
  });

  it('sends a form with files', async () => {
    const multipart = new FormData();
    multipart.set('name', 'Ada');
    multipart.set('file', new Blob(['content'], { type: 'text/x' }), 'notes.txt');
    const { type, body } = await echoed(await shop.client.post('/echo', { multipart }));
    expect(type).toMatch(/^multipart\/form-data; boundary=/);
    expect(body).toContain('name="file"; filename="notes.txt"\r\nContent-Type: text/x\r\n\r\ncontent');
  });

  it('streams both ways at once', async () => {
    let push: (text: string | undefined) => void = () => undefined;
    async function* body() {
      for (;;) {
        const text = await new Promise<string | undefined>((resolve) => {
          push = resolve;
        });
        if (text === undefined) return;
        yield Buffer.from(text);
      }
    }
    const response = await shop.client.post('/pipe', { body: body() });
    const chunks = response.chunks();
    for (const text of ['one', 'two']) {
      push(text);
      expect((await chunks.next()).value?.toString()).toBe(text);
    }
    push(undefined);
    expect((await chunks.next()).done).toBe(true);
  });

  it('gives the body as a stream of Node', async () => {
    const stream = (await shop.client.post('/pipe', { body: 'streamed' })).stream();
    expect(Buffer.concat(await stream.toArray()).toString()).toBe('streamed');
  });

  it('has the default headers of its client, unless it says otherwise', async () => {
    const client = shop.createClient({ headers: { 'User-Agent': 'test', Authorization: 'x' } });
    expect(await echoed(await client.get('/echo'))).toMatchObject({ agent: 'test', authorization: 'x' });
    expect(await echoed(await client.get('/echo', { headers: { 'user-agent': 'own' } }))).toMatchObject({
      agent: 'own',
      authorization: 'x',
    });
  });

  it('ends with its deadline, and tells the application', async () => {
    const client = shop.createClient({ timeoutMs: 20 });
    await expect(client.get('/never')).rejects.toMatchObject({ code: 'PORTICO_TEST_TIMEOUT' });
    await until(() => shop.engine.running === 0);
  });

  it('ends with its signal, and tells the application', async () => {
    const controller = new AbortController();
    const pending = shop.client.get('/never', { signal: controller.signal });
    controller.abort(new Error('changed my mind'));
    await expect(pending).rejects.toThrow('changed my mind');
    await until(() => shop.engine.running === 0);
  });

  it('rejects what is no success when it is told to', async () => {
    const client = shop.createClient({ expectSuccess: true });
    expect((await client.get('/echo')).isSuccess).toBe(true);
    const error = await client.get('/nothing').catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(TestStatusError);
    expect(error).toMatchObject({ code: 'PORTICO_UNEXPECTED_STATUS', status: 404 });
    expect((error as Error).message).toContain('GET http://localhost/nothing was answered with 404');
    await expect(client.get('/redirect/302')).rejects.toMatchObject({ status: 302 });
  });
});

describe('redirects', () => {
  const followed = () => shop.createClient({ followRedirects: true });

  it('are seen by the test by default', async () => {
    const response = await shop.client.get('/redirect/302');
    expect([response.status, response.header('location'), response.redirects]).toEqual([302, '/echo', 0]);
  });

  it.each([
    ['POST', 301, 'GET', ''],
    ['POST', 302, 'GET', ''],
    ['PUT', 302, 'PUT', 'body'],
    ['POST', 303, 'GET', ''],
    ['PUT', 303, 'GET', ''],
    ['POST', 307, 'POST', 'body'],
    ['POST', 308, 'POST', 'body'],
  ])('%s is followed at %i by %s', async (method, status, next, body) => {
    const options = { body: 'body', headers: { 'Content-Type': 'text/plain' } };
    const response = await followed().request(method, `/redirect/${status}`, options);
    expect([response.url, response.redirects]).toEqual(['http://localhost/echo', 1]);
    expect(await echoed(response)).toMatchObject({ method: next, body });
  });

  it('resolve relative places, and keep secrets from other hosts', async () => {
    const headers = { Authorization: 'secret' };
    const near = await followed().get('/redirect/302?to=../echo?x=1', { headers });
    expect(near.url).toBe('http://localhost/echo?x=1');
    expect(await echoed(near)).toMatchObject({ authorization: 'secret' });
    const far = await followed().get('/redirect/302?to=https://elsewhere.example/echo', { headers });
    expect((await echoed(far))['authorization']).toBeUndefined();
  });

  it('are followed so often and no more', async () => {
    await expect(followed().get('/loop')).rejects.toMatchObject({ code: 'PORTICO_TEST_REDIRECT' });
    await expect(shop.createClient({ followRedirects: 2 }).get('/loop')).rejects.toThrow('more than 2 times');
  });

  it('cannot send a stream again', async () => {
    async function* body() {
      yield Buffer.from('once');
    }
    await expect(followed().post('/redirect/307', { body: body() })).rejects.toMatchObject({
      code: 'PORTICO_TEST_REDIRECT',
    });
  });
});

describe('cookies', () => {
  it('are not kept by default', async () => {
    await shop.client.get('/set?c=a=1');
    expect((await echoed(await shop.client.get('/echo')))['cookie']).toBeUndefined();
  });

  it('are kept, replaced and removed', async () => {
    const client = shop.createClient({ cookies: true });
    await client.get('/set?c=a=1&c=b=2;%20HttpOnly');
    expect(await echoed(await client.get('/echo'))).toMatchObject({ cookie: 'a=1; b=2' });
    await client.get('/set?c=a=3&c=b=;%20Max-Age=0');
    expect(await echoed(await client.get('/echo'))).toMatchObject({ cookie: 'a=3' });
    expect(client.cookies?.get('a')).toBe('3');
    const own = await client.get('/echo', { headers: { Cookie: 'mine=1' } });
    expect(await echoed(own)).toMatchObject({ cookie: 'mine=1' });
  });

  it('are sent again behind the redirect that sets them, and shared by clients made of one', async () => {
    const client = shop.createClient({ cookies: new TestCookieJar() });
    await client.with({ followRedirects: true }).get('/set?c=a=1');
    expect(await echoed(await client.get('/echo'))).toMatchObject({ cookie: 'a=1' });
    client.cookies?.clear();
    expect((await echoed(await client.get('/echo')))['cookie']).toBeUndefined();
  });

  it.each([
    ['a=1; Path=/shop', 'http://localhost/shop/x', true],
    ['a=1; Path=/shop', 'http://localhost/shopping', false],
    ['a=1; Path=/shop/', 'http://localhost/shop/x', true],
    ['a=1', 'http://localhost/other', true],
    ['a=1; Domain=localhost', 'http://sub.localhost/', true],
    ['a=1', 'http://sub.localhost/', false],
    ['a=1; Domain=other.example', 'http://other.example/', false],
    ['a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT', 'http://localhost/', false],
    ['a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT', 'http://localhost/', true],
    ['no pair', 'http://localhost/', false],
  ])('%s is sent to %s: %s', (line, url, isSent) => {
    const jar = new TestCookieJar();
    const at = (text: string) => {
      const { protocol, hostname, pathname } = new URL(text);
      const scheme = protocol === 'https:' ? ('https' as const) : ('http' as const);
      return { scheme, host: hostname, port: 80, authority: hostname, path: pathname };
    };
    jar.store(at('http://localhost/set'), [line]);
    expect(jar.header(at(url))).toBe(isSent ? 'a=1' : undefined);
  });

  it.each([
    ['a=1; Secure', 'https', true],
    ['a=1; Secure', 'http', false],
    ['a=1; SameSite=None', 'https', false],
    ['a=1; SameSite=None; Secure', 'https', true],
    ['__Secure-a=1', 'https', false],
    ['__Host-a=1; Secure; Path=/shop', 'https', false],
    ['__Host-a=1; Secure; Path=/; Domain=localhost', 'https', false],
    ['__Host-a=1; Secure; Path=/', 'https', true],
    [`a=${'x'.repeat(4095)}; Secure`, 'https', true],
    [`a=${'x'.repeat(4096)}; Secure`, 'https', false],
  ] as const)('%.60s is taken over %s: %s', (line, scheme, isTaken) => {
    const jar = new TestCookieJar();
    const target = { host: 'localhost', port: 80, authority: 'localhost', path: '/set' };
    jar.store({ ...target, scheme }, [line]);
    expect(jar.cookies).toHaveLength(isTaken ? 1 : 0);
    expect(jar.header({ ...target, scheme: 'http' })).toBeUndefined();
  });
});

describe('fetch', () => {
  it('behaves as the global one', async () => {
    const { fetch } = shop;
    const request = new Request('http://localhost/echo', { method: 'PUT', body: 'x' });
    const response = await fetch(request);
    expect([response.status, response.ok, response.url]).toEqual([200, true, 'http://localhost/echo']);
    expect(await response.json()).toMatchObject({ method: 'PUT', body: 'x' });
    const manual = await fetch('http://localhost/redirect/302', { redirect: 'manual' });
    expect([manual.status, manual.headers.get('location')]).toEqual([302, '/echo']);
    await expect(fetch('http://localhost/redirect/302', { redirect: 'error' })).rejects.toThrow(TypeError);
    expect((await fetch('http://localhost/redirect/304')).body).toBeNull();
    const cookies = await fetch('http://localhost/set?c=a=1&c=b=2');
    expect(cookies.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    await expect(fetch('http://nobody.example/')).rejects.toMatchObject({
      code: 'PORTICO_TEST_UNKNOWN_HOST',
    });
  });

  it('streams bodies and can be aborted', async () => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Buffer.from('one '));
        controller.enqueue(Buffer.from('two'));
        controller.close();
      },
    });
    const response = await shop.fetch('http://localhost/pipe', { method: 'POST', body, duplex: 'half' });
    expect(await response.text()).toBe('one two');
    const signal = AbortSignal.timeout(20);
    await expect(shop.fetch('http://localhost/never', { signal })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
  });
});
