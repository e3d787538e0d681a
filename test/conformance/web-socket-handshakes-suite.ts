import { describe, expect, it } from '@jest/globals';
import { headerOf, RawClient, type RawResponse } from '#test/support/raw-client.js';
import { close, text } from '#test/support/web-socket/frame.js';
import {
  HANDSHAKE_CASES,
  type HandshakeCase,
  OFFER_CASES,
} from '#test/support/web-socket/handshake-cases.js';
import { startedSubject } from '#test/support/web-socket/started-subject.js';
import type { WebSocketSubject } from '#test/support/web-socket/subject.js';

const GOOD: Readonly<Record<string, string>> = {
  Host: 'localhost',
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

/** Opening handshakes with one subject. `isPlain`: the application knows `ws` only, and the front just carries it. */
export function webSocketHandshakesSuite(
  name: string,
  start: () => Promise<WebSocketSubject>,
  { isPlain = false } = {},
): void {
  const subject = startedSubject(start);

  async function ask(one: Omit<HandshakeCase, 'name' | 'rfc' | 'status'>): Promise<RawResponse | undefined> {
    const client = await RawClient.open(subject().port);
    try {
      client.send(headOf(one));
      return await client.response(one.method);
    } finally {
      client.destroy();
    }
  }

  describe(`opening handshakes of WebSockets on ${name}`, () => {
    it.each(HANDSHAKE_CASES.map((one) => [`${one.name} (§${one.rfc})`, one] as const))(
      '%s',
      async (_name, one) => {
        const response = await ask(one);
        expect([(isPlain ? one.ws?.status : undefined) ?? one.status].flat()).toContain(response?.status);
        if (isPlain) return;
        for (const [field, value] of Object.entries(one.answer ?? {}))
          expect([field, headerOf(response, field)]).toEqual([field, value]);
      },
    );

    it.each(OFFER_CASES.map((one) => [JSON.stringify(one.offer), one] as const))(
      'the offer %s (RFC 7692 §7.1)',
      async (_offer, one) => {
        const response = await ask({ lines: { 'Sec-WebSocket-Extensions': one.offer } });
        const agreed = headerOf(response, 'sec-websocket-extensions') ?? '';
        expect(response?.status === 101 ? agreed : response?.status).toBe(
          (isPlain ? one.ws : undefined) ?? one.agreed,
        );
      },
    );

    it('takes frames that come in one packet with the head (§4.1)', async () => {
      const client = await RawClient.open(subject().port);
      client.send(Buffer.concat([Buffer.from(headOf({})), text('early')]));
      expect((await client.response())?.status).toBe(101);
      expect((await client.bytes(7)).toString('latin1')).toBe('\x81\x05early');
      client.send(close(1000));
      expect((await client.bytes(4)).toString('hex')).toBe('880203e8');
      await client.closing();
      client.destroy();
    });
  });
}

function headOf({
  method = 'GET',
  path = '/echo',
  version = 'HTTP/1.1',
  lines = {},
}: Partial<HandshakeCase>): string {
  const fields = Object.entries({ ...GOOD, ...lines }).flatMap(([field, value]) =>
    value === undefined ? [] : [value].flat().map((one) => `${field}: ${one}`),
  );
  return `${[`${method} ${path} ${version}`.trim(), ...fields].join('\r\n')}\r\n\r\n${lines['Content-Length'] === undefined ? '' : 'hello'}`;
}
