import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type ApplicationCall, FilePart, type MultipartOptions, routing } from 'portico';
import { CIO, embeddedServer } from 'portico/embedded';
import { type TestApplicationEngine, testApplication } from 'portico/testing';
import { until } from '#test/support/polling.js';

const TYPE = { 'Content-Type': 'multipart/form-data; boundary=xx' };

function part(disposition: string, body: string, ...more: readonly string[]): string {
  return [`--xx`, `Content-Disposition: ${disposition}`, ...more, '', body, ''].join('\r\n');
}

const field = (name: string, value: string) => part(`form-data; name="${name}"`, value);
const file = (name: string, fileName: string, body: string) =>
  part(`form-data; name="${name}"; filename="${fileName}"`, body, 'Content-Type: text/plain');

/** Every part in one line. */
async function list(call: ApplicationCall, options?: MultipartOptions): Promise<string> {
  const lines: string[] = [];
  for await (const one of call.receiveMultipart(options))
    lines.push(
      one.kind === 'field'
        ? `${one.name}=${one.value}`
        : `${one.name}:${one.fileName}:${one.contentType}:${(await one.bytes()).toString('utf8')}`,
    );
  return lines.join('\n');
}

describe('a multipart form', () => {
  let engine: TestApplicationEngine;
  afterEach(() => engine.stop(0));

  async function start(answer: (call: ApplicationCall) => unknown): Promise<void> {
    engine = await testApplication((app) => {
      routing(app, (r) => r.post('/', answer));
    });
  }

  const post = async (body: string | AsyncIterable<Uint8Array>, headers: Record<string, string> = TYPE) => {
    const response = await engine.client.post('/', { body, headers });
    return { status: response.status, text: await response.text() };
  };

  it('gives fields and files in the order they were sent, whatever the chunks', async () => {
    await start((call) => list(call));
    const body = `preamble\r\n${field('a', '1')}${file('f', 'C:/x/häuser.txt', 'bytes')}${field('a', 'ü')}${field('e', '')}${file('g', '', '')}--xx--\r\nepilogue`;
    const wanted = 'a=1\nf:häuser.txt:text/plain:bytes\na=ü\ne=\ng::text/plain:';
    expect(await post(body)).toEqual({ status: 200, text: wanted });
    for (const size of [1, 7, 50])
      expect(await post(pieces(body, size))).toEqual({ status: 200, text: wanted });
  });

  it('comes from FormData as clients send it', async () => {
    await start((call) => list(call));
    const multipart = new FormData();
    multipart.append('name', 'Ann');
    multipart.append('photo', new Blob(['PNG'], { type: 'image/png' }), 'a "b".png');
    const response = await engine.client.post('/', { multipart });
    expect(await response.text()).toBe('name=Ann\nphoto:a %22b%22.png:image/png:PNG');
  });

  it('gives back any parts in any chunks', async () => {
    await start((call) => list(call));
    const bytes = fc.string({
      unit: fc.constantFrom('\r', '\n', '-', 'x', '\r\n--x', '--xx', '\r\n--xy', 'ü', ' '),
    });
    const some = fc.record({ isFile: fc.boolean(), body: bytes });
    await fc.assert(
      fc.asyncProperty(
        fc.array(some, { maxLength: 5 }),
        fc.integer({ min: 1, max: 20 }),
        async (parts, size) => {
          fc.pre(parts.every(({ body }) => !`\r\n${body}`.includes('\r\n--xx')));
          const body = parts.map((one, i) =>
            one.isFile ? file(`${i}`, 'f', one.body) : field(`${i}`, one.body),
          );
          const lines = parts.map((one, i) => `${i}${one.isFile ? ':f:text/plain:' : '='}${one.body}`);
          const { status, text } = await post(pieces(`${body.join('')}--xx--`, size));
          expect([status, text]).toEqual([200, lines.join('\n')]);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('drops what is left of a file when the next part is asked for', async () => {
    await start(async (call) => {
      const names: string[] = [];
      for await (const one of call.receiveMultipart()) {
        names.push(one.name);
        // The second file is read in part.
        if (one.kind === 'file' && one.name === 'second') {
          for await (const chunk of one.stream) if ((chunk as Buffer).length > 0) break;
        }
      }
      return names.join();
    });
    const big = 'x'.repeat(300_000);
    const body = `${file('first', 'a', big)}${file('second', 'b', big)}${field('last', 'z')}--xx--`;
    expect(await post(body)).toEqual({ status: 200, text: 'first,second,last' });
  });

  it('is left by leaving the loop', async () => {
    await start(async (call) => {
      for await (const one of call.receiveMultipart()) return `only ${one.name}`;
      return 'none';
    });
    const body = `${field('a', '1')}${file('f', 'f', 'x'.repeat(200_000))}--xx--`;
    expect(await post(body)).toEqual({ status: 200, text: 'only a' });
  });

  it('is read no faster than the files in it', async () => {
    let stream: FilePart['stream'] | undefined;
    await start(async (call) => {
      for await (const one of call.receiveMultipart()) {
        if (one.kind === 'file') stream = one.stream;
        await new Promise<void>((resolve) => call.signal.addEventListener('abort', () => resolve()));
      }
    });
    const body = Buffer.from(`${file('f', 'f', 'x'.repeat(2_000_000))}--xx--`);
    const exchange = engine.client.exchange('POST', '/', { body, headers: TYPE });
    exchange.dispatch((one) => engine.client.handler(one));
    while (stream === undefined || exchange.unconsumed < 64 * 1024)
      await new Promise((resolve) => setImmediate(resolve));
    expect(exchange.unconsumed).toBe(64 * 1024);
    exchange.fail(1);
    await expect(stream.toArray()).rejects.toMatchObject({ code: 'PORTICO_CALL_ABORTED' });
  });

  it('writes a file where the program says, and takes it back when the form fails', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'portico-multipart-'));
    try {
      await start(async (call) => {
        const lengths: number[] = [];
        for await (const one of call.receiveMultipart())
          if (one instanceof FilePart) lengths.push(await one.saveTo(join(folder, one.name)));
        return lengths.join();
      });
      expect(await post(`${file('a', '../../etc/passwd', 'hello')}--xx--`)).toEqual({
        status: 200,
        text: '5',
      });
      expect(await readFile(join(folder, 'a'), 'utf8')).toBe('hello');
      expect((await post(file('b', 'b', 'cut off'))).status).toBe(400);
      await until('the file is removed', async () => (await readdir(folder)).join() === 'a');
      expect((await post(`${file('a', 'a', 'again')}--xx--`)).status).toBe(500);
      expect(await readFile(join(folder, 'a'), 'utf8')).toBe('hello');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it.each([
    ['nothing', ''],
    ['no boundary in the body', 'just a text'],
    ['no end', field('a', '1')],
    [
      'the end missing in a file',
      '--xx\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nabc',
    ],
    ['the end missing in a head', '--xx\r\nContent-Dispo'],
    ['a part without a head', '--xx\r\nx\r\n--xx--'],
    ['a part without a disposition', '--xx\r\nContent-Type: text/plain\r\n\r\nx\r\n--xx--'],
    ['another disposition', `${part('attachment; name="a"', 'x')}--xx--`],
    ['a part without a name', `${part('form-data', 'x')}--xx--`],
    [
      'an unknown charset',
      `${part('form-data; name="a"', 'x', 'Content-Type: text/plain; charset=klingon')}--xx--`,
    ],
    ['a line that is no header field', '--xx\r\nnonsense\r\n\r\nx\r\n--xx--'],
  ])('is refused with 400 when there is %s', async (_what, body) => {
    await start((call) => list(call));
    for (const sent of [body, pieces(body, 3)]) {
      const { status, text } = await post(sent);
      expect([status, text]).toEqual([400, expect.stringContaining('multipart body is malformed')]);
    }
  });

  it.each([
    ['a missing boundary', 'multipart/form-data', 400],
    ['an empty boundary', 'multipart/form-data; boundary=""', 400],
    ['a long boundary', `multipart/form-data; boundary=${'x'.repeat(71)}`, 400],
    ['no media type', 'multipart', 400],
    ['another type', 'application/json', 415],
    ['another multipart', 'multipart/mixed; boundary=xx', 415],
  ])('is refused for %s', async (_what, contentType, status) => {
    await start((call) => list(call));
    expect((await post(`${field('a', '1')}--xx--`, { 'Content-Type': contentType })).status).toBe(status);
  });

  it.each<[string, MultipartOptions, string]>([
    ['parts', { maxParts: 2 }, field('a', '1').repeat(3)],
    ['bytes in a field', { maxFieldBytes: 10 }, field('a', 'x'.repeat(11))],
    ['bytes in a file', { maxFileBytes: 10 }, file('a', 'a', 'x'.repeat(11))],
    ['header fields', { maxHeaderPairs: 2 }, part('form-data; name="a"', 'x', 'X-A: 1', 'X-B: 2')],
  ])('is refused with 413 for more %s than allowed', async (_what, options, body) => {
    await start((call) => list(call, options));
    const { status, text } = await post(`${body}--xx--`);
    expect([status, text]).toEqual([413, expect.stringMatching(/^The form has .*more than \d+/)]);
  });

  it('may have exactly as much as allowed', async () => {
    await start((call) => list(call, { maxParts: 2, maxFieldBytes: 3, maxFileBytes: 3, maxHeaderPairs: 2 }));
    expect((await post(`${field('a', 'abc')}${file('f', 'f', 'abc')}--xx--`)).status).toBe(200);
  });

  it('fails when the client goes', async () => {
    const failures: unknown[] = [];
    await start(async (call) => {
      try {
        return await list(call);
      } catch (error) {
        failures.push((error as { code?: unknown }).code);
        throw error;
      }
    });
    const client = new AbortController();
    const body = (async function* () {
      yield Buffer.from('--xx\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nabc');
      client.abort();
      await new Promise((resolve) => setImmediate(resolve));
    })();
    await expect(engine.client.post('/', { body, headers: TYPE, signal: client.signal })).rejects.toThrow();
    while (failures.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(failures).toEqual(['PORTICO_CALL_ABORTED']);
  });

  it('is consumed once', async () => {
    await start(async (call) => {
      await list(call);
      return list(call).catch((error: { code?: unknown }) => String(error.code));
    });
    expect((await post(`${field('a', '1')}--xx--`)).text).toBe('PORTICO_BODY_CONSUMED');
  });
});

describe('a multipart form on a connection', () => {
  it('brings large files whole, and its end is seen when the client is cut off', async () => {
    const codes: unknown[] = [];
    let isReading = false;
    const server = embeddedServer(CIO, { port: 0, host: '127.0.0.1' }, (app) => {
      routing(app, (r) =>
        r.post('/', async (call) => {
          const sums: string[] = [];
          try {
            for await (const one of call.receiveMultipart()) {
              isReading = true;
              const sum = createHash('sha256');
              if (one.kind === 'file') for await (const chunk of one.stream) sum.update(chunk as Buffer);
              sums.push(sum.digest('hex'));
            }
          } catch (error) {
            codes.push((error as { code?: unknown }).code);
            throw error;
          }
          return sums.join();
        }),
      );
    });
    await server.start();
    try {
      const [{ port } = { port: 0 }] = await server.resolvedConnectors();
      const bytes = randomBytes(5 * 1024 * 1024);
      const form = new FormData();
      form.append('one', new Blob([bytes]), 'one');
      form.append('two', new Blob([bytes.subarray(7)]), 'two');
      const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: form });
      const sums = [bytes, bytes.subarray(7)].map((part) => createHash('sha256').update(part).digest('hex'));
      expect(await response.text()).toBe(sums.join());
      isReading = false;
      const request = http.request({
        port,
        host: '127.0.0.1',
        method: 'POST',
        headers: { ...TYPE, 'Content-Length': 1000 },
      });
      request.on('error', () => undefined);
      request.write(
        '--xx\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\na part of the file',
      );
      await until(() => isReading);
      request.destroy();
      await until(() => codes.length > 0);
      // A body that ends too early is malformed; a reset is an abort. Which of them comes is up to the system.
      expect(codes).toEqual([expect.stringMatching(/^PORTICO_(?:BAD_REQUEST|CALL_ABORTED)$/)]);
    } finally {
      await server.stop(0);
    }
  });
});

async function* pieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
