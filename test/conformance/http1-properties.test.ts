import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { TestServer } from '#test/support/connector-server.js';
import { application } from '#test/support/http1-corpus/exchange-application.js';
import {
  generatedRequest,
  mutated,
  mutation,
  seenFields,
  serialised,
} from '#test/support/http1-corpus/generated-request.js';
import { seeded } from '#test/support/http1-corpus/seed.js';
import { until } from '#test/support/polling.js';
import { RawClient } from '#test/support/raw-client.js';

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND', 'get', 'X-Y'];
const request = generatedRequest(METHODS);
/** Bytes behind the valid requests. */
const last = fc.constantFrom(
  'GET /\r\n\r\n',
  'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n',
  'GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  'GET /expects HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n',
);

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start(application);
});
afterAll(() => server.stop());

/** Every answer until the server closes, as status and body. */
async function answers(parts: readonly string[]): Promise<string[]> {
  const client = await RawClient.open(server.port);
  try {
    for (const part of parts) {
      client.send(part);
      if (parts.length > 1) await new Promise((resolve) => setImmediate(resolve));
    }
    const seen: string[] = [];
    for (;;) {
      const response = await client.response();
      if (response === undefined) return seen;
      seen.push(`${response.status} ${response.body.toString()}`);
    }
  } finally {
    client.destroy();
  }
}

function piecesAt(text: string, places: readonly number[]): string[] {
  const borders = [...new Set(places.map((place) => place % text.length))].sort((a, b) => a - b);
  return [0, ...borders].map((start, i) => text.slice(start, borders[i] ?? text.length));
}

it('sees the request that was serialised', async () => {
  await fc.assert(
    fc.asyncProperty(generatedRequest(METHODS, ['1.0', '1.1']), async (one) => {
      const bytes = serialised(one);
      const close = 'GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
      const [answer = ''] = await answers([one.version === '1.0' ? bytes : bytes + close]);
      expect(answer.slice(0, 4)).toBe('200 ');
      const { kind, chunks, trailers } = one.body;
      expect(JSON.parse(answer.slice(4))).toEqual({
        method: one.method,
        path: one.path,
        ...(one.query === undefined ? {} : { query: one.query }),
        version: one.version,
        authority: 'a.example:8080',
        fields: seenFields(one),
        bodyLength: kind === 'none' ? 0 : kind === 'chunked' ? -1 : chunks.join('').length,
        upgrade: null,
        body: kind === 'none' ? '' : chunks.join(''),
        ...(kind === 'chunked' && trailers.length > 0 ? { trailers: trailers.flat() } : {}),
      });
    }),
    seeded(400),
  );
});

it('gives the same answers however the bytes are split into packets', async () => {
  const requests = fc.array(request, { minLength: 1, maxLength: 4 });
  const cuts = fc.array(fc.nat(2000), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(requests, last, cuts, async (before, end, places) => {
      const bytes = before.map(serialised).join('') + end;
      const whole = await answers([bytes]);
      expect(whole).toHaveLength(before.length + 1);
      expect(await answers(piecesAt(bytes, places))).toEqual(whole);
    }),
    seeded(200),
  );
});

it('gives the same answer to one request split at any place', async () => {
  await fc.assert(
    fc.asyncProperty(request, last, async (one, end) => {
      const bytes = serialised(one) + end;
      const whole = await answers([bytes]);
      const places = Array.from({ length: bytes.length - 1 }, (_, index) => index + 1);
      for (let i = 0; i < places.length; i += 25) {
        const some = places.slice(i, i + 25).map((place) => answers(piecesAt(bytes, [place])));
        for (const seen of await Promise.all(some)) expect(seen).toEqual(whole);
      }
    }),
    seeded(6),
  );
});

it('ends every connection, whatever comes on it, and keeps nothing of it', async () => {
  const times = { headerTimeoutMs: 200, bodyIdleTimeoutMs: 200, keepAliveTimeoutMs: 200 };
  const hurried = await TestServer.start(application, times);
  const damaged = fc
    .tuple(
      fc.array(request, { minLength: 1, maxLength: 2 }),
      fc.array(mutation, { minLength: 1, maxLength: 4 }),
    )
    .map(([requests, changes]) => changes.reduce(mutated, requests.map(serialised).join('')));
  const random = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
  const input = fc.record({
    bytes: fc.oneof({ weight: 5, arbitrary: damaged }, { weight: 1, arbitrary: random }),
    places: fc.array(fc.nat(2000), { maxLength: 4 }),
    goodbye: fc.constantFrom('fin', 'reset', 'none'),
  });
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(input, { minLength: 40, maxLength: 60 }), async (inputs) => {
        await Promise.all(inputs.map((one) => converse(hurried.port, one)));
        await until(() => hurried.connector.openConnections === 0);
        expect(hurried.failures).toEqual([]);
      }),
      { ...seeded(8), endOnFailure: true },
    );
    expect(hurried.opened).toBe(hurried.closed);
    expect(hurried.opened).toBeGreaterThan(300);
  } finally {
    await hurried.stop();
  }
});

async function converse(
  port: number,
  one: { bytes: string; places: readonly number[]; goodbye: 'fin' | 'reset' | 'none' },
): Promise<void> {
  const client = await RawClient.open(port);
  try {
    for (const part of one.bytes === '' ? [] : piecesAt(one.bytes, one.places)) {
      client.send(part);
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (one.goodbye === 'fin') client.socket.end();
    if (one.goodbye === 'reset') client.socket.resetAndDestroy();
    // Throws at whatever is no response.
    else while ((await client.response()) !== undefined);
  } finally {
    client.destroy();
  }
}
