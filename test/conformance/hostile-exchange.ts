import { expect } from '@jest/globals';
import { RawClient, type RawResponse } from '#test/support/raw-client.js';

/** Fields of a connection that are none of the application's. */
const CONNECTION_FIELDS = ['keep-alive', 'proxy-connection', 'upgrade', 'te', 'x-injected'];

/**
 * Asks for `/name` and, behind it, for `/ok`: gives the answer to the first, `cut` when the client can see that it is not
 * whole. Checks that the second answer is that to the second request, or that there is none.
 */
export async function exchangeWith(
  port: number,
  method: 'GET' | 'HEAD',
  name: string,
  version: string,
): Promise<{ first: string }> {
  const client = await RawClient.open(port);
  try {
    const keep = version === '1.0' ? 'Connection: keep-alive\r\n' : '';
    client.send(`${method} /${name} HTTP/${version}\r\nHost: a\r\n${keep}\r\n`);
    client.send('GET /ok HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const first = await finalResponse(client, method);
    const second = await finalResponse(client, 'GET');
    expect(await client.response()).toBeUndefined();
    if (first === undefined) return { first: 'cut' };
    checkFields(first);
    const isCut = !first.isComplete || (first.framing === 'close' && client.error !== undefined);
    if (second !== undefined) {
      expect(isCut).toBe(false);
      expect([second.status, second.body.toString()]).toEqual([200, 'ok']);
    }
    if (method === 'HEAD' || [204, 205, 304].includes(first.status)) expect(first.body).toHaveLength(0);
    if (isCut) return { first: 'cut' };
    return { first: first.status >= 500 ? String(first.status) : `${first.status} ${first.body}` };
  } finally {
    client.destroy();
  }
}

async function finalResponse(client: RawClient, method: string): Promise<RawResponse | undefined> {
  for (;;) {
    const response = await client.response(method);
    if (response === undefined || response.status >= 200) return response;
    checkFields(response);
  }
}

function checkFields({ headers, trailers, body }: RawResponse): void {
  const names = headers.map(([name]) => name);
  for (const name of CONNECTION_FIELDS) expect(names).not.toContain(name);
  const codings = headers.filter(([name]) => name === 'transfer-encoding').map(([, value]) => value);
  expect(['', 'chunked']).toContain(codings.join());
  for (const [name] of trailers)
    expect(['content-length', 'transfer-encoding', 'x-injected']).not.toContain(name);
  expect(body.toString()).not.toContain('smuggled');
}
