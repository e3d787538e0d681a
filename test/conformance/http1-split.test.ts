import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { echo, TestServer } from '#test/support/http1-server.js';
import { RawClient } from '#test/support/raw-client.js';

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start(echo);
});

afterAll(async () => {
  await server.stop();
});

const GET = 'GET /a/../b?c=d HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n';
const POST = 'POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello\r\n\r\nab';
const CHUNKED =
  'PUT /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a="b;c"\r\nhello\r\nb\r\n\r\n0\r\n\r\nabcd\r\n0\r\nX-T: 1\r\n\r\n';
const JUNK = 'GET /\r\n\r\n';
const BROKEN = 'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n';
const CLOSE = 'GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

async function answers(parts: readonly string[], count: number): Promise<string[]> {
  const client = await RawClient.open(server.port);
  try {
    for (const part of parts) {
      client.send(part);
      if (parts.length > 1) await new Promise((resolve) => setImmediate(resolve));
    }
    const seen: string[] = [];
    for (let i = 0; i < count; i++) {
      const response = await client.response();
      if (response === undefined) break;
      seen.push(`${response.status} ${response.body.toString()}`);
    }
    return seen;
  } finally {
    client.destroy();
  }
}

it('gives the same answers however the bytes are split into packets', async () => {
  const requests = fc.array(fc.constantFrom(GET, POST, CHUNKED), { minLength: 1, maxLength: 4 });
  const last = fc.constantFrom(JUNK, BROKEN, CLOSE);
  const cuts = fc.array(fc.nat(1000), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(requests, last, cuts, async (before, end, places) => {
      const bytes = before.join('') + end;
      const borders = [...new Set(places.map((place) => place % bytes.length))].sort((a, b) => a - b);
      const parts = [0, ...borders].map((start, i) => bytes.slice(start, borders[i] ?? bytes.length));
      const whole = await answers([bytes], before.length + 2);
      expect(whole).toHaveLength(before.length + 1);
      expect(await answers(parts, before.length + 2)).toEqual(whole);
    }),
    { numRuns: 150 },
  );
});
