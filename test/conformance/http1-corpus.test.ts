import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { echo, TestServer } from '#test/support/http1-server.js';
import { fixturesFolder } from '#test/support/paths.js';
import { RawClient, type RawResponse } from '#test/support/raw-client.js';

interface Case {
  readonly name: string;
  readonly rfc: string;
  readonly send: string | readonly (string | { readonly repeat: string; readonly times: number })[];
  readonly end?: boolean;
  readonly expect: readonly string[];
  readonly sees?: Record<string, unknown>;
}

const folder = join(fixturesFolder, 'http1');
const probe = 'GET /probe HTTP/1.1\r\nHost: probe\r\n\r\n';
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start(echo);
});

afterAll(async () => {
  await server.stop();
});

for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
  const cases = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Case[];
  describe(`HTTP/1.x ${file.replace('.json', '')}`, () => {
    for (const one of cases) {
      it(`${one.name} (RFC ${one.rfc})`, async () => {
        for (const split of ['whole', 'bytes', 'lines'] as const) {
          const bytes = bytesOf(one);
          if (split === 'bytes' && bytes.length > 400) continue;
          const { outcome, last } = await run(one, pieces(bytes, split));
          const wanted = one.expect.find((each) => each === outcome) ?? one.expect.join(' or ');
          expect(`${split}: ${outcome}`).toBe(`${split}: ${wanted}`);
          if (one.sees !== undefined) {
            const seen = JSON.parse(last?.body.toString() ?? 'null') as Record<string, unknown>;
            expect(seen).toMatchObject(one.sees);
          }
          if (outcome.startsWith('405')) expect(last?.headers.map(([name]) => name)).toContain('allow');
        }
      });
    }
  });
}

async function run(one: Case, parts: Buffer[]): Promise<{ outcome: string; last: RawResponse | undefined }> {
  const client = await RawClient.open(server.port);
  try {
    for (const part of parts) {
      client.send(part);
      if (parts.length > 1) await new Promise((resolve) => setImmediate(resolve));
    }
    if (one.end === true) client.socket.end();
    let statuses = '';
    let last: RawResponse | undefined;
    for (;;) {
      if (one.expect.includes(`${statuses}open`)) {
        client.send(probe);
        const answer = await client.response();
        if (answer?.body.toString().includes('/probe') === true) return { outcome: `${statuses}open`, last };
        return { outcome: `${statuses}${answer?.status ?? ''} not open`, last };
      }
      const response = await client.response();
      if (response === undefined) return { outcome: `${statuses}close`, last };
      expect(response.isComplete).toBe(true);
      statuses += `${response.status} `;
      last = response;
    }
  } finally {
    client.destroy();
  }
}

function bytesOf(one: Case): Buffer {
  const parts = typeof one.send === 'string' ? [one.send] : one.send;
  const text = parts
    .map((part) => (typeof part === 'string' ? part : part.repeat.repeat(part.times)))
    .join('');
  return Buffer.from(text, 'latin1');
}

/** Single bytes, or lines cut between CR and LF, where a careless reader stumbles. */
function pieces(bytes: Buffer, split: 'whole' | 'bytes' | 'lines'): Buffer[] {
  if (split === 'whole') return [bytes];
  const parts: Buffer[] = [];
  let start = 0;
  for (let i = 0; i < bytes.length; i++) {
    if (split === 'bytes' || bytes[i] === 0x0d) {
      parts.push(bytes.subarray(start, i + 1));
      start = i + 1;
    }
  }
  parts.push(bytes.subarray(start));
  return parts.filter((part) => part.length > 0);
}
