import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { AgentProcess } from '#test/support/agent-process.js';
import { fixturesFolder } from '#test/support/paths.js';
import { until, WAIT_MS } from '#test/support/polling.js';

const started: AgentProcess[] = [];

function start(bundle: string, main: string, plan = {}): AgentProcess {
  const folder = join(fixturesFolder, 'bundles', bundle);
  const agent = new AgentProcess(folder, { kind: 'main', main: join(folder, main) }, plan);
  started.push(agent);
  return agent;
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((agent) => agent.kill()));
});

describe('an instance runs unchanged', () => {
  it('a (req, res) function, CommonJS and ES module', async () => {
    const common = start('handler', 'server.js');
    expect((await common.report('ready')).kind).toBe('server');
    expect((await common.fetch({ target: '/a?b' })).body).toBe('handler GET /a?b');
    const module = start('handler-esm', 'server.mjs');
    expect(JSON.parse((await module.fetch({ target: '/x' })).body)).toEqual({
      url: '/x',
      forwarded: {
        'x-forwarded-for': '192.0.2.7',
        'x-forwarded-proto': 'http',
        'x-forwarded-host': 'shop.test',
        'x-forwarded-prefix': '/test',
      },
    });
  });

  it('an Express app', async () => {
    const agent = start('express', 'server.js');
    expect((await agent.fetch()).body).toBe('express 192.0.2.7 /');
    const json = {
      method: 'POST',
      target: '/echo',
      fields: ['Host', 'a', 'Content-Type', 'application/json'],
    };
    expect((await agent.fetch(json, '{"a":1}')).body).toBe('{"a":1}');
    const login = await agent.fetch({ target: '/login' });
    expect([login.status, login.fields?.get('location')]).toEqual([302, '/test/']);
    expect(login.fields?.get('set-cookie')).toBe('id=1; Path=/test');
    expect((await agent.fetch({ target: '/file' })).body).toContain('sendFile');
    expect((await agent.fetch({ target: '/throw' })).status).toBe(500);
    expect((await agent.fetch({ target: '/none' })).status).toBe(404);
    expect((await agent.fetch({ method: 'HEAD', target: '/file' })).body).toBe('');
  });

  it('a Koa app', async () => {
    expect(JSON.parse((await start('koa', 'server.js').fetch({ target: '/k' })).body)).toEqual({
      koa: '/k',
      ip: '192.0.2.7',
    });
  });

  it('a Fastify instance, which is closed at the end', async () => {
    const agent = start('fastify', 'server.mjs');
    expect((await agent.fetch()).body).toBe('{"fastify":"/"}');
    const json = {
      method: 'POST',
      target: '/echo',
      fields: ['Host', 'a', 'Content-Type', 'application/json'],
    };
    expect((await agent.fetch(json, '{"b":2}')).body).toBe('{"b":2}');
    agent.send(WAIT_MS);
    expect(await agent.exited).toBe(0);
    expect(agent.output).toContain('fastify closed');
  });

  it('a Hono app', async () => {
    const agent = start('hono', 'server.mjs');
    expect((await agent.fetch({ target: '/' })).body).toBe('hono /');
    const json = {
      method: 'POST',
      target: '/echo',
      fields: ['Host', 'a', 'Content-Type', 'application/json'],
    };
    expect((await agent.fetch(json, '{"c":3}')).body).toBe('{"c":3}');
    expect((await agent.fetch({ target: '/events' })).body).toBe('data: one\n\ndata: two\n\n');
  });

  it('a fetch object', async () => {
    const agent = start('fetch', 'server.mjs');
    const answer = await agent.fetch({ method: 'POST', target: '/f' }, 'body');
    expect([answer.status, answer.body]).toEqual([201, 'fetch POST /f shop.test body']);
    expect(answer.fields?.all('set-cookie')).toEqual(['a=1; Path=/test', 'b=2']);
    expect((await agent.fetch({ target: '/stream' })).body).toBe('abc');
    expect((await agent.fetch({ target: '/fail' })).status).toBe(500);
  });

  it('an http.Server and a promise of a handler', async () => {
    const agent = start('http-server', 'server.js');
    expect((await agent.fetch({ target: '/s' })).body).toBe('server /s');
    agent.send(WAIT_MS);
    expect(await agent.exited).toBe(0);
    expect(agent.output).toContain('server closed');
    expect((await start('promise', 'server.mjs').fetch({ target: '/p' })).body).toBe('promised /p');
  });

  it('with the path as the client sent it, when the prefix is kept', async () => {
    const agent = start('express', 'server.js', { prefix: 'keep', contextPath: '' });
    expect((await agent.fetch({ target: '/login' })).fields?.get('location')).toBe('/');
  });
});

describe('a program that listens by itself', () => {
  it('is served, while its port stays closed; other servers listen where they ask', async () => {
    const agent = start('program-cjs', 'server.js');
    expect((await agent.report('ready')).kind).toBe('program');
    expect((await agent.fetch({ target: '/x' })).body).toBe('program /x');
    expect(JSON.parse((await agent.fetch({ target: '/address' })).body)).toEqual([
      { address: '0.0.0.0', family: 'IPv4', port: 80 },
      true,
    ]);
    await agent.until(
      () => /listening on 80[\s\S]*plain on \d+/.test(agent.output) && /second on/.test(agent.output),
    );
    expect(agent.output).toMatch(/PORTICO_SECOND_SERVER.*127\.0\.0\.1:/);
    const port = Number(/plain on (\d+)/.exec(agent.output)?.[1]);
    const [text] = await once(connect(port, '127.0.0.1'), 'data');
    expect(String(text)).toBe('plain');
  });

  it('gets SIGTERM, as its listener expects, when it is to stop', async () => {
    const agent = start('program-cjs', 'server.js');
    await agent.fetch();
    agent.send(WAIT_MS);
    expect(await agent.exited).toBe(7);
    expect(agent.output).toMatch(/told to end\nclosed/);
  });

  it('may be an ES module that asks for any port', async () => {
    const agent = start('program-esm', 'server.mjs');
    expect((await agent.fetch({ target: '/y' })).body).toBe('program /y');
    agent.send(WAIT_MS);
    expect(await agent.exited).toBe(0);
  });

  it('takes over from what it exported, when it listens later', async () => {
    const agent = start('program-late', 'server.js');
    expect((await agent.report('ready')).kind).toBe('server');
    expect((await agent.fetch()).body).toBe('exported');
    await until('the later server answers', async () => {
      const { body } = await agent.fetch();
      // That of the metrics begins before, and is another one.
      expect(body).toMatch(/^(exported|listening)$/);
      return body === 'listening';
    });
    expect(agent.output).toMatch(/PORTICO_SECOND_SERVER/);
    const port = Number(/metrics on (\d+)/.exec(agent.output)?.[1]);
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('metrics');
  });

  it('serves WebSockets', async () => {
    const agent = start('websocket', 'server.mjs');
    const socket = await agent.open({
      target: '/chat',
      upgrade: 'websocket',
      bodyLength: -1,
      fields: ['Host', 'a', 'Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version', '13'],
    });
    socket.onData = () => {
      if (socket.body.includes('welcome /chat') && !socket.body.includes('echo'))
        // One text frame "hey", masked with zeros (RFC 6455 §5.2).
        socket.exchange?.write(Buffer.from([0x81, 0x83, 0, 0, 0, 0, 0x68, 0x65, 0x79]));
      if (socket.body.includes('echo hey')) socket.exchange?.end();
    };
    await socket.done;
    expect(socket.status).toBe(101);
    expect(socket.fields?.get('sec-websocket-accept')).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
    expect(socket.body).toContain('echo hey');
    expect((await agent.fetch()).body).toBe('http');
  });

  it('serves socket.io', async () => {
    const agent = start('socket-io', 'server.mjs');
    const opened = await agent.fetch({ target: '/socket.io/?EIO=4&transport=polling' });
    const { sid } = JSON.parse(opened.body.slice(1)) as { sid: string };
    const target = `/socket.io/?EIO=4&transport=polling&sid=${sid}`;
    const send = (text: string) =>
      agent.fetch({ method: 'POST', target, fields: ['Host', 'a', 'Content-Type', 'text/plain'] }, text);
    expect((await send('40')).body).toBe('ok');
    await agent.fetch({ target });
    await send('420["ping","there"]');
    expect((await agent.fetch({ target })).body).toBe('430["pong there"]');
  });
});

describe('an instance', () => {
  it('streams 64 MiB in both directions in bounded memory', async () => {
    const agent = start('handler-esm', 'server.mjs');
    const chunk = Buffer.alloc(65_536, 7);
    const total = 64 * 1024 * 1024;
    const hash = createHash('sha256');
    const upload = await agent.open({ method: 'PUT', target: '/sum', bodyLength: total });
    for (let sent = 0; sent < total; sent += chunk.length) {
      hash.update(chunk);
      if (upload.exchange?.write(chunk) === false)
        await new Promise<void>((resolve) => {
          upload.onDrain = resolve;
        });
    }
    upload.exchange?.end();
    await upload.done;
    expect(JSON.parse(upload.body)).toEqual({ bytes: total, sha256: hash.digest('hex') });
    const download = await agent.open({ target: '/big' });
    await download.done;
    expect(download.receivedBytes).toBe(total);
    const { peakKiB } = JSON.parse((await agent.fetch({ target: '/process' })).body) as { peakKiB: number };
    expect(peakKiB).toBeLessThan(150 * 1024);
  });

  it('hides its channel and its secrets from the application', async () => {
    const agent = start('handler-esm', 'server.mjs');
    const seen = JSON.parse((await agent.fetch({ target: '/process' })).body) as Record<string, unknown>;
    expect(seen).toMatchObject({
      send: 'undefined',
      channel: 'undefined',
      connected: 'undefined',
      disconnect: 'undefined',
      argv: 2,
      cwd: join(fixturesFolder, 'bundles/handler-esm'),
    });
    expect(
      (seen['env'] as string[]).filter((name) => !/^(PATH|PORTICO_CONTEXT_PATH|PWD|SHLVL|_)$/.test(name)),
    ).toEqual([]);
    agent.send(WAIT_MS);
    expect(await agent.exited).toBe(0);
    expect(agent.output).toBe('');
  });

  it('reports what it uses', async () => {
    const agent = start('handler', 'server.js');
    const stats = await agent.report('stats');
    expect(stats.rssBytes).toBeGreaterThan(1e6);
    expect(stats.heapUsedBytes).toBeGreaterThan(1e6);
    expect(stats.cpuUserMicros).toBeGreaterThan(0);
    expect(stats.utilization).toBeLessThanOrEqual(1);
    expect(stats.exchanges).toBe(0);
  });

  it('ends when the supervisor is gone', async () => {
    const agent = start('handler', 'server.js');
    await agent.report('ready');
    agent.channel.destroy();
    expect(await agent.exited).toBe(0);
  });

  it('ends as the application ends it', async () => {
    const exits = start('handler-esm', 'server.mjs');
    await exits.fetch({ target: '/exit?code=5' });
    expect(await exits.exited).toBe(5);
    const rejects = start('handler-esm', 'server.mjs');
    await rejects.fetch({ target: '/reject' });
    expect(await rejects.exited).toBe(1);
    expect(rejects.output).toContain('nobody catches this');
    expect(rejects.reports.some((report) => report.type === 'failed')).toBe(false);
  });

  it('finishes what is in flight before it stops', async () => {
    const agent = start('handler-esm', 'server.mjs');
    const upload = await agent.open({ method: 'PUT', target: '/sum', bodyLength: 6 });
    upload.exchange?.write(Buffer.from('abc'));
    await agent.until(() =>
      agent.reports.some((report) => report.type === 'stats' && report.exchanges === 1),
    );
    agent.send(WAIT_MS);
    await agent.until(() => agent.reports.length > 0);
    upload.exchange?.write(Buffer.from('def'));
    upload.exchange?.end();
    await upload.done;
    expect(JSON.parse(upload.body)).toMatchObject({ bytes: 6 });
    expect(await agent.exited).toBe(0);
  });
});
