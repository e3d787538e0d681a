import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ExchangeResult } from '#host/connector/http1-listener.js';
import { AccessLog } from '#host/front/access-log.js';
import {
  type AccessLogFormat,
  combinedFormat,
  jsonFormat,
  MAX_LINE_BYTES,
} from '#host/front/access-log-format.js';
import { LogChunk } from '#host/front/log-chunk.js';
import { LogWriter, type LogWriterSettings } from '#host/front/log-writer.js';
import {
  combinedRefusalFormat,
  jsonRefusalFormat,
  type RefusalLogFormat,
} from '#host/front/refusal-log-format.js';
import { MemoryExchange } from '#test/support/memory-exchange.js';
import { until, WAIT_MS } from '#test/support/polling.js';

const result = { status: 200, bytesIn: 3, bytesOut: 12, durationMs: 1.23456, aborted: false };
const time = Date.UTC(2025, 0, 5, 7, 8, 9, 10);
const evil = 'a"b\\c\r\nd\u001b[31m\u0000\u007f\u009b\u00e9';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portico-log-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const text = (name = 'access.log'): string =>
  existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : '';

type LineArguments = [
  exchange: MemoryExchange,
  result: ExchangeResult,
  context: string,
  name: string,
  time: number,
];

/** The line as text. */
function lines(format: AccessLogFormat, version = ''): (...line: LineArguments) => string {
  return (exchange, result, context, name, time) => {
    const chunk = new LogChunk(MAX_LINE_BYTES);
    format(chunk, exchange, result, context, name, version, time);
    return chunk.bytes.toString('latin1', 0, chunk.at);
  };
}

describe('combined format', () => {
  const format = lines(combinedFormat());

  it('is what log analysers read', () => {
    const exchange = new MemoryExchange('/shop/cart?id=1', {
      fields: ['Referer', 'http://a.example/', 'User-Agent', 'curl/8'],
    });
    expect(format(exchange, result, '/shop', 'shop', time)).toBe(
      '127.0.0.1 - - [05/Jan/2025:07:08:09 +0000] "GET /shop/cart?id=1 HTTP/1.1" 200 12 "http://a.example/" "curl/8"\n',
    );
    expect(format(new MemoryExchange('/'), { ...result, status: 0 }, '-', '-', time + 900)).toBe(
      '127.0.0.1 - - [05/Jan/2025:07:08:09 +0000] "GET / HTTP/1.1" - 12 "-" "-"\n',
    );
    expect(format(new MemoryExchange('/'), result, '', 'ROOT', time + 1000)).toContain('07:08:10');
  });

  it('keeps an event on one line and its quotes in place, whatever the client sends', () => {
    const exchange = new MemoryExchange(`/x?${evil}`, { fields: ['User-Agent', evil, 'Referer', evil] });
    const line = format(exchange, result, '', 'ROOT', time);
    expect(line).toMatch(/^[\x20-\x7e]+\n$/);
    expect(line.match(/"/g)).toHaveLength(6);
    expect(line).toContain('a\\x22b\\x5Cc\\x0D\\x0Ad\\x1B[31m\\x00\\x7F\\x9B\\xE9');
  });
});

describe('a call of an application', () => {
  it('has the caller in the place of the user, or under a name of its own', () => {
    const exchange = new MemoryExchange('/shop/x');
    Object.assign(exchange.head, { connection: { ...exchange.head.connection, caller: 'b%C3%BC"' } });
    expect(lines(combinedFormat())(exchange, result, '/shop', 'shop', time)).toMatch(
      /^127\.0\.0\.1 - b%C3%BC\\x22 \[05/,
    );
    const line = JSON.parse(lines(jsonFormat())(exchange, result, '/shop', 'shop', time));
    expect(line).toMatchObject({ application: 'shop', caller: 'b%C3%BC"' });
  });
});

describe('JSON format', () => {
  const format = lines(jsonFormat());

  it('is one object a line with the documented fields', () => {
    const exchange = new MemoryExchange('/shop?a=1', { fields: ['User-Agent', 'curl/8'] });
    expect(JSON.parse(format(exchange, { ...result, aborted: true }, '/shop', 'shop', time))).toEqual({
      time: '2025-01-05T07:08:09Z',
      remote: '127.0.0.1',
      method: 'GET',
      host: 'example.test',
      target: '/shop?a=1',
      version: '1.1',
      status: 200,
      bytesIn: 3,
      bytesOut: 12,
      durationMs: 1.235,
      context: '/shop',
      application: 'shop',
      userAgent: 'curl/8',
      aborted: true,
    });
  });

  it('names the version that answered, if it has one', () => {
    const exchange = new MemoryExchange('/shop');
    const line = JSON.parse(lines(jsonFormat(), '1.2')(exchange, result, '/shop', 'shop', time));
    expect(line).toMatchObject({ application: 'shop', applicationVersion: '1.2', version: '1.1' });
  });

  it('escapes what would break the line or the terminal, and loses nothing', () => {
    const exchange = new MemoryExchange(`/x?${evil}`, { fields: ['User-Agent', evil] });
    const line = format(exchange, result, '', 'ROOT', time);
    expect(line).toMatch(/^[\x20-\x7e]+\n$/);
    expect(JSON.parse(line)).toMatchObject({ target: `/x?${evil}`, userAgent: evil });
  });
});

describe('formats of refused requests', () => {
  /** The line for what arrived, given as ISO-8859-1 text. */
  const line = (format: RefusalLogFormat, head: string): string => {
    const chunk = new LogChunk(MAX_LINE_BYTES);
    const refusal = { reason: 'bad-host', status: 400, bytesOut: 16, remoteAddress: '127.0.0.1' } as const;
    format(chunk, { ...refusal, head: Buffer.from(head, 'latin1') }, time);
    return chunk.bytes.toString('latin1', 0, chunk.at);
  };
  const combined = (head: string) => line(combinedRefusalFormat(), head);
  const json = (head: string) => JSON.parse(line(jsonRefusalFormat(), head)) as Record<string, unknown>;

  it('tell the first line that came, status, size and reason', () => {
    const head = '\r\nGET /a?b=1 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n';
    expect(combined(head)).toBe(
      '127.0.0.1 - - [05/Jan/2025:07:08:09 +0000] "GET /a?b=1 HTTP/1.1" 400 16 "-" "-"\n',
    );
    expect(json(head)).toEqual({
      time: '2025-01-05T07:08:09Z',
      remote: '127.0.0.1',
      method: 'GET',
      target: '/a?b=1',
      version: '1.1',
      status: 400,
      bytesOut: 16,
      context: '-',
      application: '-',
      refused: 'bad-host',
    });
  });

  it.each([
    ['a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00'],
    ['nothing but a part of a line', 'GET /slo'],
    ['no version', 'GET /old\r\n\r\n'],
    ['a version with more behind it', `GET / HTTP/1.1 ${evil}`],
    ['a forged line', 'GET /" 200 1\r127.0.0.1 - - HTTP/1.1\r\n'],
    ['nothing', ''],
    ['an empty line', '\r\n\r\n'],
  ])('keep %s on one harmless line, as it came', (_, head) => {
    for (const format of [combinedRefusalFormat(), jsonRefusalFormat()]) {
      expect(line(format, head)).toMatch(/^[\x20-\x7e]+\n$/);
    }
    const first = head.replace(/^\r\n/, '').split(/\r?\n/, 1)[0];
    expect(json(head)).toMatchObject({ line: first, refused: 'bad-host' });
    expect(json(head)).not.toHaveProperty('method');
    expect(combined(head).match(/"/g)).toHaveLength(6);
  });

  it('keep within the longest line', () => {
    const long = '\u0001'.repeat(40_000);
    for (const head of [long, `${long} ${long} HTTP/1.1\r\n`]) {
      expect(combined(head).length).toBeLessThan(MAX_LINE_BYTES);
      expect(line(jsonRefusalFormat(), head).length).toBeLessThan(MAX_LINE_BYTES);
      expect(combined(head)).toContain('...');
    }
  });
});

describe('both formats', () => {
  it('keep within the longest line, and tell what was cut', () => {
    const long = '\u0001'.repeat(40_000);
    const exchange = new MemoryExchange(`/${long}?${long}`, {
      fields: ['Referer', long, 'User-Agent', long],
    });
    for (const format of [combinedFormat(), jsonFormat()]) {
      const line = lines(format)(exchange, result, `/${'c'.repeat(9999)}`, 'a', time);
      expect(line.length).toBeLessThan(MAX_LINE_BYTES);
      expect(line).toContain('...');
      expect(line.endsWith('\n')).toBe(true);
    }
  });
});

describe('AccessLog', () => {
  it('writes its lines soon, and the rest when it is closed', async () => {
    const log = new AccessLog({ format: 'json', folder, maxFileBytes: 1e6, keptFiles: 2 }, () => undefined);
    log.record(new MemoryExchange('/1'), result, '', 'ROOT', '');
    await until(() => text().includes('"/1"'));
    log.record(new MemoryExchange('/2'), result, '', 'ROOT', '');
    await log.close(WAIT_MS);
    expect(text().trim().split('\n')).toHaveLength(2);
  });
});

describe('LogWriter', () => {
  let dropped = 0;
  const write = (writer: LogWriter, line: string): void => {
    const chunk = writer.reserve(line.length);
    if (chunk === undefined) return;
    chunk.text(line);
    writer.commit();
  };
  const create = (more: Partial<LogWriterSettings> = {}): LogWriter => {
    dropped = 0;
    return new LogWriter(
      { folder, fileName: 'access.log', maxFileBytes: 1e6, keptFiles: 2, ...more },
      (lines) => {
        dropped += lines;
      },
    );
  };

  it('rotates by size and keeps so many files', async () => {
    const writer = create({ maxFileBytes: 1000 });
    for (let i = 0; i < 5; i++) {
      write(writer, `${String(i).repeat(1200)}\n`);
      await until(() => text('access.log.1').startsWith(String(i)));
    }
    await writer.close(WAIT_MS);
    expect(text('access.log.2')).toMatch(/^3/);
    expect(text('access.log.3')).toBe('');
    expect(dropped).toBe(0);
  });

  it('opens the file anew when somebody has moved it away', async () => {
    const writer = create();
    write(writer, 'before\n');
    await until(() => text() === 'before\n');
    renameSync(join(folder, 'access.log'), join(folder, 'moved.log'));
    await until(() => {
      write(writer, 'after\n');
      return text().includes('after');
    });
    await writer.close(WAIT_MS);
    expect(text('moved.log')).toMatch(/^before\n/);
    expect(dropped).toBe(0);
  });

  it('shares a file with others: one moves it when it is full, and all go on with the next', async () => {
    const shared = (rotates: boolean): LogWriter =>
      create({ maxFileBytes: 20_000, keptFiles: 100, shared: { rotates } });
    const writers = [shared(true), shared(false), shared(false)];
    const files = (): string[] => readdirSync(folder);
    let count = 0;
    await until('three rotations', () => {
      for (let i = 0; i < 20; i++, count++)
        for (const [number, writer] of writers.entries())
          write(writer, `${number} ${count} ${'x'.repeat(90)}\n`);
      return files().length >= 4;
    });
    await Promise.all(writers.map((writer) => writer.close(WAIT_MS)));
    const lines = files().flatMap((name) => text(name).split('\n').slice(0, -1));
    expect(dropped).toBe(0);
    // Every line once, none torn, whichever file it went to.
    const all = writers.flatMap((_, number) =>
      Array.from({ length: count }, (_, i) => `${number} ${i} ${'x'.repeat(90)}`),
    );
    expect(lines.sort()).toEqual(all.sort());
  });

  it('makes the folder of a shared file again', async () => {
    const lost = join(folder, 'lost');
    const writer = create({ folder: lost, shared: { rotates: true } });
    await until('the file is there', () => {
      write(writer, 'line\n');
      return text('lost/access.log').includes('line');
    });
    await writer.close(WAIT_MS);
  });

  it('drops and counts lines while the disk refuses them, and goes on afterwards', async () => {
    const blocked = join(folder, 'blocked');
    writeFileSync(blocked, 'a file where the folder should be');
    const writer = create({ folder: blocked, maxPendingBytes: 400_000 });
    // Two chunks may wait, and the one that is being filled.
    for (let i = 0; i < 100; i++) write(writer, `${'x'.repeat(9999)}\n`);
    await until(() => dropped >= 100 - 3 * Math.floor((192 * 1024) / 10_000));
    rmSync(blocked);
    mkdirSync(blocked);
    await until(() => {
      write(writer, 'later\n');
      return (
        existsSync(join(blocked, 'access.log')) &&
        readFileSync(join(blocked, 'access.log'), 'utf8').includes('later')
      );
    });
    await writer.close(WAIT_MS);
  });
});
