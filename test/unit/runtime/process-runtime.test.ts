import { afterEach, describe, expect, it } from '@jest/globals';
import { AbortReason, type Exchange, type ExchangeHandler } from '#host/exchange/exchange.js';
import type { InstanceAddress } from '#host/front/messages.js';
import { ProcessRuntime, type ProcessSettings } from '#host/runtime/process/process-runtime.js';
import { listenTo, TestInstance } from '#test/support/instance.js';
import { MemoryExchange, type MemoryRequest } from '#test/support/memory-exchange.js';
import { settle, until } from '#test/support/polling.js';

const owned: { stop(): unknown }[] = [];
afterEach(async () => {
  for (const one of owned.splice(0).reverse()) await one.stop();
});

const mount = { path: '/shop', maxBodyBytes: 1000, counters: { tunnels: 0, tooLargeBodies: 0 } };
const lost: string[] = [];

async function startInstance(handler: ExchangeHandler, maxExchanges?: number): Promise<TestInstance> {
  const instance = await TestInstance.start(handler, maxExchanges);
  owned.push(instance);
  return instance;
}

function settings(
  instances: readonly InstanceAddress[],
  more: Partial<ProcessSettings> = {},
): ProcessSettings {
  return { instances, responseTimeoutMs: 0, tunnelCloseMs: 1000, retryAfterSeconds: 3, ...more };
}

async function runtimeOf(
  instances: readonly TestInstance[],
  more: Partial<ProcessSettings> = {},
): Promise<ProcessRuntime> {
  const runtime = new ProcessRuntime(
    settings(
      instances.map((instance) => instance.address),
      more,
    ),
    (instance) => lost.push(instance),
  );
  owned.push({ stop: () => runtime.close() });
  await runtime.connected();
  return runtime;
}

function send(runtime: ProcessRuntime, target: string, request: MemoryRequest = {}): MemoryExchange {
  const exchange = new MemoryExchange(target, request);
  runtime.handle(exchange, mount, exchange.head.path.slice(mount.path.length) || '/');
  return exchange;
}

describe('ProcessRuntime', () => {
  it('sends the request on with the path within the context, and the response back in one piece', async () => {
    const instance = await startInstance((exchange) => {
      const { method, path, query, fields } = exchange.head;
      exchange.respond(201, ['X-Echo', fields.get('x-in') ?? ''], `${method} ${path}?${query}`);
    });
    const runtime = await runtimeOf([instance]);
    const answer = send(runtime, '/shop/cart?a=1', { fields: ['X-In', 'v'] });
    await answer.done;
    expect([answer.status, answer.field('x-echo'), answer.body]).toEqual([201, 'v', 'GET /cart?a=1']);
    await until(() => runtime.openExchanges === 0);
  });

  it('carries bodies both ways and returns credit only for what was taken', async () => {
    const instance = await startInstance((exchange) => {
      exchange.begin(200, []);
      listenTo(exchange, {
        data: (chunk) => {
          exchange.write(chunk);
          exchange.consumed(chunk.length);
        },
        end: () => exchange.end(),
      });
    });
    const runtime = await runtimeOf([instance]);
    const exchange = send(runtime, '/shop/', { method: 'POST', bodyLength: 6 });
    exchange.listener?.data(Buffer.from('abc'));
    await until(() => exchange.body === 'abc');
    exchange.listener?.data(Buffer.from('def'));
    exchange.listener?.end(undefined);
    await exchange.done;
    expect(exchange.body).toBe('abcdef');
    expect(exchange.consumedBytes).toBe(6);
  });

  it('lets a client that does not read stop the application', async () => {
    let written = 0;
    let application: Exchange | undefined;
    const instance = await startInstance((exchange) => {
      application = exchange;
      const pump = (): void => {
        do written += 16384;
        while (exchange.write(Buffer.alloc(16384)));
      };
      listenTo(exchange, { drain: pump });
      exchange.begin(200, []);
      pump();
    });
    const runtime = await runtimeOf([instance]);
    const exchange = new MemoryExchange('/shop/');
    exchange.room = 0;
    runtime.handle(exchange, mount, '/');
    await until(() => written >= 256 * 1024);
    const before = written;
    await settle(50);
    expect(written).toBe(before);
    exchange.room = Number.POSITIVE_INFINITY;
    exchange.listener?.drain();
    await until(() => written > before * 3);
    exchange.leave();
    exchange.listener?.aborted(AbortReason.CANCELLED);
    await until(() => application?.isEnded === true);
  });

  it('refuses a body that is too long: at once if the length is known, otherwise when it is reached', async () => {
    let requests = 0;
    const reasons: AbortReason[] = [];
    const instance = await startInstance((exchange) => {
      requests++;
      listenTo(exchange, { aborted: (reason) => reasons.push(reason) });
    });
    const runtime = await runtimeOf([instance]);
    const known = send(runtime, '/shop/', { method: 'POST', bodyLength: 1001 });
    expect(known.status).toBe(413);
    const unknown = send(runtime, '/shop/', { method: 'POST', bodyLength: -1 });
    unknown.listener?.data(Buffer.alloc(1000));
    await until(() => requests === 1);
    expect(unknown.isEnded).toBe(false);
    unknown.listener?.data(Buffer.alloc(1));
    expect(unknown.status).toBe(413);
    await until(() => reasons.length === 1);
    expect(reasons).toEqual([AbortReason.BODY_TOO_LARGE]);
    expect(requests).toBe(1);
    expect(runtime.openExchanges).toBe(0);
  });

  it('answers 504 for a response that does not begin in time, and tells the application', async () => {
    const reasons: AbortReason[] = [];
    const instance = await startInstance((exchange) =>
      listenTo(exchange, { aborted: (reason) => reasons.push(reason) }),
    );
    const runtime = await runtimeOf([instance], { responseTimeoutMs: 1000 });
    const started = performance.now();
    const first = send(runtime, '/shop/');
    const second = send(runtime, '/shop/');
    runtime.sweep(started + 900);
    expect(first.isEnded).toBe(false);
    runtime.sweep(performance.now() + 1000);
    expect([first.status, second.status]).toEqual([504, 504]);
    await until(() => reasons.length === 2);
    expect(reasons).toEqual([AbortReason.TIMEOUT, AbortReason.TIMEOUT]);
  });

  it('answers 502 when the instance goes before it answers, and truncates when it goes later', async () => {
    const instance = await startInstance((exchange) => {
      if (exchange.head.path === '/begun') {
        exchange.begin(200, []);
        exchange.write(Buffer.from('x'));
      }
    });
    const runtime = await runtimeOf([instance]);
    const silent = send(runtime, '/shop/silent');
    const begun = send(runtime, '/shop/begun');
    await until(() => begun.body === 'x');
    await instance.stop();
    await silent.done;
    await begun.done;
    expect([silent.status, silent.abortedWith]).toEqual([502, undefined]);
    expect(begun.abortedWith).toBe(AbortReason.INSTANCE_GONE);
    const later = send(runtime, '/shop/');
    await later.done;
    expect([later.status, later.field('retry-after')]).toEqual([503, '3']);
  });

  it('connects anew when a request comes and the instance is back', async () => {
    const first = await startInstance((exchange) => exchange.respond(200, [], 'first'));
    const runtime = await runtimeOf([first]);
    await first.stop();
    const second = await startInstance((exchange) => exchange.respond(200, [], 'second'));
    runtime.configure(settings([second.address]));
    const answer = send(runtime, '/shop/');
    await answer.done;
    expect(answer.body).toBe('second');
  });

  it('reports an instance that cannot be reached, and answers 503 at once', async () => {
    const instance = { instance: 'nowhere##1/1#1', socketPath: '/nonexistent/socket', secret: 'a1' };
    const runtime = new ProcessRuntime(settings([instance]), (name) => lost.push(name));
    const waiting = send(runtime, '/shop/');
    await waiting.done;
    expect(waiting.status).toBe(503);
    expect(lost).toContain('nowhere##1/1#1');
    expect(send(runtime, '/shop/').status).toBe(503);
    runtime.close();
  });

  it('chooses the instance with the fewest open exchanges and shares ties', async () => {
    const counts = [0, 0];
    const start = (index: number): Promise<TestInstance> =>
      startInstance((exchange) => {
        counts[index] = (counts[index] as number) + 1;
        listenTo(exchange, {});
      });
    const runtime = await runtimeOf([await start(0), await start(1)]);
    for (let i = 0; i < 10; i++) send(runtime, '/shop/');
    await until(() => (counts[0] as number) + (counts[1] as number) === 10);
    expect(counts).toEqual([5, 5]);
  });

  it('sends a refused request to another instance, once', async () => {
    const refuse: ExchangeHandler = (exchange) => exchange.abort(AbortReason.REFUSED);
    const refusing = await startInstance(refuse);
    const other = await startInstance((exchange) => exchange.respond(200, [], 'other'));
    const runtime = await runtimeOf([refusing, other]);
    const answers = [send(runtime, '/shop/'), send(runtime, '/shop/')];
    await Promise.all(answers.map((answer) => answer.done));
    expect(answers.map((answer) => answer.body)).toEqual(['other', 'other']);

    const both = await runtimeOf([await startInstance(refuse), await startInstance(refuse)]);
    const refused = send(both, '/shop/');
    await refused.done;
    expect([refused.status, refused.field('retry-after')]).toEqual([503, '1']);
  });

  it('sends nothing new to an instance that drains, and does not call it lost', async () => {
    const draining = await startInstance((exchange) => {
      if (exchange.head.path === '/long') listenTo(exchange, { end: () => undefined });
      else exchange.respond(200, [], 'draining');
    });
    const runtime = await runtimeOf([draining]);
    const other = await startInstance((exchange) => exchange.respond(200, [], 'other'));
    runtime.configure(settings([draining.address, other.address]));
    await runtime.connected();
    draining.drain();
    await until(() => send(runtime, '/shop/').isEnded === false && true);
    for (let i = 0; i < 5; i++) {
      await settle();
      const answer = send(runtime, '/shop/');
      await answer.done;
      if (i > 0) expect(answer.body).toBe('other');
    }
    expect(lost).not.toContain(draining.address.instance);
  });

  it('is idle after its last exchange, and can be taken back before', async () => {
    let application: Exchange | undefined;
    const instance = await startInstance((exchange) => {
      application = exchange;
      listenTo(exchange, {});
    });
    const runtime = await runtimeOf([instance]);
    const exchange = send(runtime, '/shop/');
    await until(() => application !== undefined);
    let idle = 0;
    runtime.retire(() => idle++, 'ended');
    runtime.revive();
    runtime.retire(() => idle++, 'ended');
    await new Promise(setImmediate);
    expect(idle).toBe(0);
    application?.respond(200, [], 'done');
    await exchange.done;
    await until(() => idle === 1);
  });
});

describe('ProcessRuntime with WebSockets', () => {
  const text = (content: string): Buffer => Buffer.from([0x81, content.length, ...Buffer.from(content)]);

  async function openTunnel(
    upgrade: string,
    more: Partial<ProcessSettings> = {},
  ): Promise<{ runtime: ProcessRuntime; client: MemoryExchange; application: Exchange; received: Buffer[] }> {
    let application: Exchange | undefined;
    const received: Buffer[] = [];
    const instance = await startInstance((exchange) => {
      application = exchange;
      listenTo(exchange, {
        data: (chunk) => {
          received.push(chunk);
          exchange.consumed(chunk.length);
        },
        end: () => exchange.end(),
      });
      exchange.begin(101, ['upgrade', upgrade]);
    });
    const runtime = await runtimeOf([instance], more);
    const client = send(runtime, '/shop/ws', { upgrade, bodyLength: -1 });
    await until(() => client.status === 101);
    return { runtime, client, application: application as Exchange, received };
  }

  it('passes bytes both ways and counts the tunnel', async () => {
    const { client, application, received } = await openTunnel('websocket');
    expect(mount.counters.tunnels).toBe(1);
    application.write(text('hi'));
    client.listener?.data(text('ho'));
    await until(() => client.chunks.length > 0 && received.length > 0);
    expect(Buffer.concat(client.chunks)).toEqual(text('hi'));
    expect(Buffer.concat(received)).toEqual(text('ho'));
    client.listener?.end(undefined);
    await client.done;
    await until(() => mount.counters.tunnels === 0);
  });

  it('leaves the last word to an application that has one', async () => {
    const { client, application, runtime } = await openTunnel('websocket', { closesWebSockets: true });
    const retired = performance.now();
    let isIdle = false;
    runtime.retire(() => {
      isIdle = true;
    }, 'ended');
    runtime.sweep(retired + 400);
    const last = Buffer.concat([text('moved'), Buffer.from([0x88, 2, 0x0f, 0xa1])]);
    application.write(last);
    await until(() => Buffer.concat(client.chunks).length === last.length);
    runtime.sweep(performance.now() + 500);
    expect(Buffer.concat(client.chunks)).toEqual(last);
    client.listener?.data(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x0f, 0xa1]));
    client.listener?.end(undefined);
    await until(() => isIdle);
    expect(client.isEnded).toBe(true);
  });

  it('says 1001 for an application that does not find its last word', async () => {
    const { client, runtime } = await openTunnel('websocket', { closesWebSockets: true });
    runtime.retire(() => undefined, 'ended');
    const retired = performance.now();
    runtime.sweep(retired + 400);
    expect(client.chunks).toEqual([]);
    runtime.sweep(retired + 501);
    expect(client.chunks[0]?.subarray(2, 4)).toEqual(Buffer.from([0x03, 0xe9]));
    runtime.sweep(retired + 1001);
    expect(client.abortedWith).toBe(AbortReason.CANCELLED);
    await until(() => mount.counters.tunnels === 0);
  });

  it('says 1001 to the client between two frames, then closes when the client has answered', async () => {
    const { client, application, received, runtime } = await openTunnel('websocket');
    const message = text('long message');
    application.write(message.subarray(0, 5));
    await until(() => client.chunks.length > 0);
    let isIdle = false;
    runtime.retire(() => {
      isIdle = true;
    }, 'ended');
    expect(Buffer.concat(client.chunks)).toEqual(message.subarray(0, 5));
    application.write(Buffer.concat([message.subarray(5), text('too late')]));
    await until(() => Buffer.concat(client.chunks).includes(0x88));
    const seen = Buffer.concat(client.chunks);
    expect(seen.subarray(0, message.length)).toEqual(message);
    expect(seen.subarray(message.length, message.length + 4)).toEqual(
      Buffer.from([0x88, seen.length - message.length - 2, 0x03, 0xe9]),
    );
    application.write(text('later still'));
    const answer = Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9]);
    client.listener?.data(answer);
    expect(client.isEnded).toBe(true);
    await until(() => received.length > 0);
    expect(Buffer.concat(received)).toEqual(answer);
    client.listener?.end(undefined);
    await until(() => isIdle);
    expect(Buffer.concat(client.chunks)).toEqual(seen);
    expect(client.abortedWith).toBeUndefined();
  });

  it('tells clients of an instance that leaves to come back, and others nothing', async () => {
    const { client, runtime } = await openTunnel('websocket');
    const other = await startInstance(() => undefined);
    runtime.configure(settings([other.address]));
    expect(client.chunks[0]?.subarray(2, 4)).toEqual(Buffer.from([0x03, 0xf4]));
    client.listener?.data(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xf4]));
    client.listener?.end(undefined);
    await until(() => mount.counters.tunnels === 0);
    expect(client.abortedWith).toBeUndefined();
  });

  it('leaves that to an application that closes its WebSockets by itself', async () => {
    const { client, runtime } = await openTunnel('websocket', { closesWebSockets: true });
    const other = await startInstance(() => undefined);
    runtime.configure(settings([other.address], { closesWebSockets: true }));
    expect(client.chunks).toEqual([]);
    client.listener?.end(undefined);
    await until(() => mount.counters.tunnels === 0);
  });

  it('cuts at the deadline what does not close, and other protocols always', async () => {
    for (const upgrade of ['websocket', 'tls']) {
      const { client, runtime } = await openTunnel(upgrade);
      const retired = performance.now();
      runtime.retire(() => undefined, 'ended');
      runtime.sweep(retired + 900);
      expect(client.isEnded).toBe(false);
      expect(client.chunks.length).toBe(upgrade === 'websocket' ? 1 : 0);
      runtime.sweep(performance.now() + 1001);
      expect(client.abortedWith).toBe(AbortReason.CANCELLED);
    }
    await until(() => mount.counters.tunnels === 0);
  });
});
