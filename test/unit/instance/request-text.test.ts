import { describe, expect, it } from '@jest/globals';
import { requestText } from '#host/instance/request-text.js';
import { ScriptedExchange, type ScriptedRequest } from '#test/support/scripted-exchange.js';

const MOUNT = { contextPath: '/shop', isStripped: true };

function linesOf(request: ScriptedRequest, mount = MOUNT): string[] {
  const text = requestText(new ScriptedExchange(request).head, mount);
  expect(text.endsWith('\r\n\r\n')).toBe(true);
  return text.slice(0, -4).split('\r\n');
}

describe('requestText', () => {
  it('writes target and fields as they are, and who asks', () => {
    expect(linesOf({ target: '/cart?a=1', fields: ['HOST', 'shop.test', 'X-A', 'é'] })).toEqual([
      'GET /cart?a=1 HTTP/1.1',
      'HOST: shop.test',
      'X-A: é',
      'X-Forwarded-For: 192.0.2.7',
      'X-Forwarded-Proto: http',
      'X-Forwarded-Host: shop.test',
      'X-Forwarded-Prefix: /shop',
    ]);
  });

  it('drops what clients say about proxies', () => {
    const lines = linesOf(
      {
        fields: [
          'Host',
          'shop.test',
          'X-Forwarded-For',
          '1.1.1.1',
          'x-forwarded-prefix',
          '//evil',
          'X-FORWARDED-HOST',
          'evil',
          'Forwarded',
          'for=1.1.1.1',
          'X-Forwarded-Port',
          '1',
        ],
        isSecure: true,
      },
      { contextPath: '', isStripped: true },
    );
    expect(lines).toEqual([
      'GET / HTTP/1.1',
      'Host: shop.test',
      'X-Forwarded-For: 192.0.2.7',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: shop.test',
    ]);
  });

  it('names no prefix when the path keeps it', () => {
    const lines = linesOf({ target: '/shop/a' }, { contextPath: '/shop', isStripped: false });
    expect(lines[0]).toBe('GET /shop/a HTTP/1.1');
    expect(lines.some((line) => line.startsWith('X-Forwarded-Prefix'))).toBe(false);
  });

  it('frames the body from what was checked, never from what was sent', () => {
    const fields = [
      'Host',
      'a',
      'Content-Length',
      '3',
      'Transfer-Encoding',
      'chunked',
      'Connection',
      'close',
      'TE',
      'x',
    ];
    expect(linesOf({ fields, bodyLength: 5 })).toEqual(
      expect.arrayContaining(['Host: a', 'Content-Length: 5']),
    );
    const chunked = linesOf({ fields, bodyLength: -1 });
    expect(chunked).toContain('Transfer-Encoding: chunked');
    expect(chunked.filter((line) => /^(content-length|connection|te):/i.test(line))).toEqual([]);
  });

  it('keeps a length of 0 that the client named, and adds none otherwise', () => {
    expect(linesOf({ method: 'POST', fields: ['Host', 'a', 'content-length', '0'] })).toContain(
      'Content-Length: 0',
    );
    expect(linesOf({}).some((line) => line.startsWith('Content-Length'))).toBe(false);
  });

  it('asks for an upgrade without a body', () => {
    const lines = linesOf({ upgrade: 'websocket', bodyLength: -1 });
    expect(lines).toEqual(expect.arrayContaining(['Connection: Upgrade', 'Upgrade: websocket']));
    expect(lines).not.toContain('Transfer-Encoding: chunked');
  });

  it('adds a Host that HTTP/1.1 demands, and lets HTTP/1.0 do without', () => {
    expect(linesOf({ fields: [], version: '2.0', authority: 'h2.test' })).toContain('Host: h2.test');
    const old = linesOf({ fields: [], version: '1.0', authority: '' });
    expect(old[0]).toBe('GET / HTTP/1.0');
    expect(old.some((line) => /host/i.test(line))).toBe(false);
  });

  it('expects 100-continue only when the connector waits for it', () => {
    expect(linesOf({ fields: ['Host', 'a', 'Expect', '100-continue'] })).not.toContain(
      'Expect: 100-continue',
    );
    expect(linesOf({ expectsContinue: true })).toContain('Expect: 100-continue');
  });
});
