import { readdirSync, readlinkSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type Application, type ApplicationCall, routing } from 'portico';
import { CIO, embeddedServer } from 'portico/embedded';
import { Compression } from 'portico/plugins/compression';
import { DoubleReceive, type DoubleReceiveConfig } from 'portico/plugins/double-receive';
import { type TestApplicationEngine, testApplication } from 'portico/testing';
import { z } from 'zod';
import { until } from '#test/support/polling.js';

const bodyFiles = () =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).includes('portico-body-');
    } catch {
      // Closed since the folder was read.
      return false;
    }
  }).length;

async function* pieces(text: string): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < text.length; at += 100) yield Buffer.from(text.slice(at, at + 100));
}

const refused = (error: { code?: unknown }) => String(error.code);

describe('DoubleReceive', () => {
  let engine: TestApplicationEngine;
  afterEach(() => engine.stop(0));

  async function start(
    answer: (call: ApplicationCall) => unknown,
    configure: (config: DoubleReceiveConfig) => void = () => undefined,
    module: (app: Application) => void = () => undefined,
  ) {
    engine = await testApplication((app) => {
      app.install(DoubleReceive, configure);
      module(app);
      routing(app, (r) => r.post('/', answer));
    });
    return async (body: string | Uint8Array | AsyncIterable<Uint8Array>, headers = {}) => {
      const type = { 'Content-Type': 'application/json', ...headers };
      const response = await engine.client.post('/', { body, headers: type });
      return `${response.status} ${await response.text()}`;
    };
  }

  const everything = async (call: ApplicationCall): Promise<string> => {
    const schema = z.object({ n: z.number().transform((n) => n + 1) });
    const texts = [
      await call.receiveText(),
      JSON.stringify(await call.receiveJson()),
      JSON.stringify(await call.receive(schema)),
      String(await call.receiveBytes()),
      String(Buffer.concat(await (await call.receiveStream()).toArray())),
      String(Buffer.concat(await (await call.receiveStream()).toArray())),
      JSON.stringify(await call.receive(schema)),
      await call.receiveText(),
    ];
    return texts.join(' ');
  };
  const wanted = '200 {"n":1} {"n":1} {"n":2} {"n":1} {"n":1} {"n":1} {"n":2} {"n":1}';

  it('gives the body as often as it is wanted, from memory and from a file', async () => {
    expect(await (await start(everything))('{"n":1}')).toBe(wanted);
    const post = await start(everything, (config) => {
      config.maxMemoryBytes = 3;
    });
    expect(await post('{"n":1}')).toBe(wanted);
    expect(await post(pieces('{"n":1}'))).toBe(wanted);
    await until(() => bodyFiles() === 0);
  });

  it('keeps what Compression has decoded, whichever was installed first', async () => {
    const post = await start(everything, undefined, (app) => app.install(Compression));
    expect(await post(gzipSync('{"n":1}'), { 'Content-Encoding': 'gzip' })).toBe(wanted);
  });

  it('reads a multipart form twice', async () => {
    const names = async (call: ApplicationCall) => {
      const all: string[] = [];
      for await (const part of call.receiveMultipart()) all.push(part.name);
      return all.join();
    };
    await start(async (call) => `${await names(call)} ${await names(call)}`);
    const form = new FormData();
    form.append('a', '1');
    form.append('f', new Blob(['x'.repeat(100_000)]), 'f');
    expect(await (await engine.client.post('/', { multipart: form })).text()).toBe('a,f a,f');
  });

  it('with values only gives those again, but nothing else', async () => {
    const post = await start(
      async (call) =>
        `${await call.receiveText()} ${await call.receiveText()} ${await call.receiveJson().catch(refused)}`,
      (config) => {
        config.cacheRawRequest = false;
      },
    );
    expect(await post('{"n":1}')).toBe('200 {"n":1} {"n":1} PORTICO_BODY_CONSUMED');
  });

  it('does not keep what is excluded or too large, which can be received once', async () => {
    const twice = async (call: ApplicationCall) => {
      const first = Buffer.concat(await (await call.receiveStream()).toArray());
      return `${first.length} ${await call.receiveText().catch(refused)}`;
    };
    const long = 'x'.repeat(1000);
    const limited = await start(twice, (config) => {
      config.maxBytes = 500;
      config.maxMemoryBytes = 150;
    });
    expect(await limited(long)).toBe('200 1000 PORTICO_BODY_CONSUMED');
    expect(await limited(pieces(long))).toBe('200 1000 PORTICO_BODY_CONSUMED');
    expect(await limited('x'.repeat(500))).toBe(`200 500 ${'x'.repeat(500)}`);
    const excluding = await start(twice, (config) => config.excludeFromCache(() => true));
    expect(await excluding('abc')).toBe('200 3 PORTICO_BODY_CONSUMED');
    await until(() => bodyFiles() === 0);
  });

  it('is 413 for more than the handler takes', async () => {
    const post = await start((call) => call.receiveText({ maxBytes: 5 }));
    expect(await post('123456')).toMatch(/^413/);
    expect(await post(pieces('123456'))).toMatch(/^413/);
  });

  it('closes the file when the client leaves or the handler fails', async () => {
    let isHeld = false;
    const server = embeddedServer(CIO, { port: 0, host: '127.0.0.1' }, (app) => {
      app.install(DoubleReceive, (config) => {
        config.maxMemoryBytes = 1;
      });
      routing(app, (r) => {
        r.post('/fail', async (call) => {
          await call.receiveText();
          isHeld = bodyFiles() === 1;
          throw new Error('The handler fails.');
        });
      });
    });
    await server.start();
    try {
      // Files of earlier tests close behind their answers.
      await until(() => bodyFiles() === 0);
      const [{ port } = { port: 0 }] = await server.resolvedConnectors();
      const response = await fetch(`http://127.0.0.1:${port}/fail`, { method: 'POST', body: 'a body' });
      expect([response.status, isHeld]).toEqual([500, true]);
      await until(() => bodyFiles() === 0);
      const client = new AbortController();
      const left = fetch(`http://127.0.0.1:${port}/fail`, {
        method: 'POST',
        signal: client.signal,
        duplex: 'half',
        body: new ReadableStream({
          async start(controller) {
            controller.enqueue(Buffer.from('a part of a body'));
            await until(() => bodyFiles() === 1);
            client.abort();
          },
        }),
      } as RequestInit);
      await expect(left).rejects.toThrow();
      await until(() => bodyFiles() === 0);
    } finally {
      await server.stop(0);
    }
  });
});
