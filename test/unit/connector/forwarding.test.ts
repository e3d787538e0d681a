import { isIP } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DEFAULT_FORWARDING, type ForwardedField } from '#host/config/forwarding-settings.js';
import { Forwarding } from '#host/connector/forwarding/forwarding.js';
import type { RequestHead } from '#host/exchange/exchange.js';
import { FieldBlock } from '#host/http/field-block.js';

const PROXIES = ['10.0.0.0/8', 'fd00::/8', '192.0.2.10', 'unix'];
const ALL: readonly ForwardedField[] = [
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
];

function headOf(fields: readonly string[], peer = '10.0.0.1', isSecure = false): RequestHead {
  return {
    method: 'GET',
    path: '/a',
    query: 'b=c',
    version: '1.1',
    fields: FieldBlock.of(['Host', 'shop.example', ...fields, 'Accept', '*/*']),
    authority: 'shop.example',
    bodyLength: 0,
    upgrade: undefined,
    expectsContinue: false,
    connection: { remoteAddress: peer, remotePort: 4711, localAddress: '10.0.0.9', localPort: 80, isSecure },
  };
}

/** `address:port scheme authority` behind the stage. */
function seen(head: RequestHead, fields: readonly ForwardedField[] = ALL, proxies = PROXIES): string {
  const { connection, authority } = new Forwarding({ proxies, fields }).effective(head);
  return `${connection.remoteAddress}:${connection.remotePort} ${connection.isSecure ? 'https' : 'http'} ${authority}`;
}

const FOR = 'X-Forwarded-For';
const PROTO = 'X-Forwarded-Proto';
const HOST = 'X-Forwarded-Host';
const PORT = 'X-Forwarded-Port';

describe('X-Forwarded-…', () => {
  it.each<[string, string[], string]>([
    ['says who the client is', [FOR, '1.2.3.4'], '1.2.3.4:0 http shop.example'],
    ['with a port', [FOR, '1.2.3.4:567'], '1.2.3.4:567 http shop.example'],
    ['of IPv6', [FOR, '2001:DB8::1'], '2001:db8::1:0 http shop.example'],
    ['of IPv6 in brackets', [FOR, '[2001:db8::1]:567'], '2001:db8::1:567 http shop.example'],
    ['of IPv4 within IPv6', [FOR, '::ffff:1.2.3.4'], '1.2.3.4:0 http shop.example'],
    ['from the right', [FOR, '6.6.6.6, 1.2.3.4'], '1.2.3.4:0 http shop.example'],
    [
      'past proxies',
      [FOR, '6.6.6.6, 1.2.3.4, 192.0.2.10, fd00::5, ::ffff:10.9.9.9'],
      '1.2.3.4:0 http shop.example',
    ],
    ['over several lines', [FOR, '6.6.6.6', FOR, '1.2.3.4', FOR, '10.0.0.2'], '1.2.3.4:0 http shop.example'],
    ['a client among the proxies', [FOR, '10.0.0.3, 10.0.0.2'], '10.0.0.3:0 http shop.example'],
    ['empty elements are none', [FOR, ' , 1.2.3.4,, '], '1.2.3.4:0 http shop.example'],
    ['what is no address is not reached', [FOR, 'x"y, 1.2.3.4'], '1.2.3.4:0 http shop.example'],
    [
      'one that is reached spoils all',
      [FOR, 'nonsense, 10.0.0.2', PROTO, 'https'],
      '10.0.0.1:4711 http shop.example',
    ],
    ['also one with a zone', [FOR, 'fe80::1%eth0', PROTO, 'https'], '10.0.0.1:4711 http shop.example'],
    ['or an octet too large', [FOR, '1.2.3.256', PROTO, 'https'], '10.0.0.1:4711 http shop.example'],
    ['or a port too large', [FOR, '1.2.3.4:65536', PROTO, 'https'], '10.0.0.1:4711 http shop.example'],
    ['or a name', [FOR, 'localhost', PROTO, 'https'], '10.0.0.1:4711 http shop.example'],
    ['the scheme', [PROTO, 'HTTPS'], '10.0.0.1:4711 https shop.example'],
    ['of WebSockets', [PROTO, 'wss'], '10.0.0.1:4711 https shop.example'],
    ['no other', [PROTO, 'gopher'], '10.0.0.1:4711 http shop.example'],
    ['the host', [HOST, 'Www.Example:8443'], '10.0.0.1:4711 http www.example:8443'],
    ['no other thing', [HOST, 'a"b'], '10.0.0.1:4711 http shop.example'],
    ['nor a URL', [HOST, '//evil'], '10.0.0.1:4711 http shop.example'],
    ['the port', [PORT, '8443', PROTO, 'https'], '10.0.0.1:4711 https shop.example:8443'],
    ['that of the scheme is left out', [PORT, '443', PROTO, 'https'], '10.0.0.1:4711 https shop.example'],
    ['one in the host is nearer', [HOST, 'a:1', PORT, '2'], '10.0.0.1:4711 http a:1'],
    ['not beyond 65535', [PORT, '65536'], '10.0.0.1:4711 http shop.example'],
    ['nor 0', [PORT, '0'], '10.0.0.1:4711 http shop.example'],
    [
      'at the place of the client, where lists are equally long',
      [FOR, '6.6.6.6, 1.2.3.4, 10.0.0.2', PROTO, 'http, https, http', HOST, 'evil, www.example, inner'],
      '1.2.3.4:0 https www.example',
    ],
    [
      'the last one, where they are not',
      [FOR, '6.6.6.6, 1.2.3.4, 10.0.0.2', PROTO, 'http, https', HOST, 'www.example'],
      '1.2.3.4:0 https www.example',
    ],
    [
      'Forwarded is nothing where it was not asked for',
      ['Forwarded', 'for=6.6.6.6;proto=https'],
      '10.0.0.1:4711 http shop.example',
    ],
  ])('%s', (_, fields, expected) => {
    expect(seen(headOf(fields))).toBe(expected);
  });

  it('is believed as far as it was asked for', () => {
    const head = headOf([FOR, '1.2.3.4', PROTO, 'https', HOST, 'www.example', PORT, '1']);
    expect(seen(head, DEFAULT_FORWARDING.fields)).toBe('1.2.3.4:0 https shop.example');
    expect(seen(head, ['x-forwarded-proto'])).toBe('10.0.0.1:4711 https shop.example');
    expect(seen(head, ['x-forwarded-for'])).toBe('1.2.3.4:0 http shop.example');
  });

  it('says that TLS has not come as far as the client', () => {
    expect(seen(headOf([PROTO, 'http'], '10.0.0.1', true))).toBe('10.0.0.1:4711 http shop.example');
  });

  it.each(['1.2.3.4', '9.255.255.255', '192.0.2.11', 'fc00::1', '::1'])('is not believed from %s', (peer) => {
    const head = headOf(
      [FOR, '6.6.6.6', PROTO, 'https', HOST, 'evil', PORT, '1', 'Forwarded', 'for=6.6.6.6'],
      peer,
    );
    expect(seen(head)).toBe(`${peer}:4711 http shop.example`);
    expect(seen(head, ['forwarded'])).toBe(`${peer}:4711 http shop.example`);
  });

  it('is believed from the other end of a Unix socket only where that is said', () => {
    expect(seen(headOf([FOR, '1.2.3.4'], ''))).toBe('1.2.3.4:0 http shop.example');
    expect(seen(headOf([FOR, '1.2.3.4'], ''), ALL, ['0.0.0.0/0', '::/0'])).toBe(':4711 http shop.example');
  });

  it('is removed whoever sends it, and nothing else is', () => {
    const head = headOf([
      FOR,
      '1.2.3.4',
      'x-forwarded-Server',
      'a',
      'FORWARDED',
      'for=a',
      'X-Forwarded',
      'b',
      'X-Real-IP',
      'c',
      'client-Cert',
      ':aa:',
      'Client-Cert-Chain',
      ':aa:',
      'Client-Certificate',
      'd',
      // CGI, WSGI and Rack make the same variable of `_` and of `-`.
      'X_Forwarded_For',
      '1.2.3.4',
      'X_FORWARDED-Host',
      'evil',
      'Client_Cert',
      ':aa:',
      'Client-Cert_Chain',
      ':aa:',
      'X_Real_IP',
      'e',
      'Transfer_encoding',
      'chunked',
      'CONTENT_LENGTH',
      '5',
      'Content-Length',
      '7',
    ]);
    for (const proxies of [PROXIES, []]) {
      const { fields, method, path, query, version } = new Forwarding({ proxies, fields: ALL }).effective(
        head,
      );
      expect(fields.flat()).toEqual([
        'Host',
        'shop.example',
        'X-Forwarded',
        'b',
        'X-Real-IP',
        'c',
        'Client-Certificate',
        'd',
        'X_Real_IP',
        'e',
        'Content-Length',
        '7',
        'Accept',
        '*/*',
      ]);
      expect({ method, path, query, version }).toEqual({
        method: 'GET',
        path: '/a',
        query: 'b=c',
        version: '1.1',
      });
    }
  });

  it('cannot be led astray by what a client writes in front', () => {
    const junk = fc.array(fc.stringMatching(/^[\x21-\x7e ]{0,40}$/), { maxLength: 5 });
    const address = fc.ipV4().filter((text) => !text.startsWith('10.') && text !== '192.0.2.10');
    fc.assert(
      fc.property(
        junk,
        address,
        fc.array(fc.constantFrom('10.1.1.1', 'fd00::2', '192.0.2.10'), { maxLength: 3 }),
        (lines, client, hops) => {
          const own = lines.flatMap((line) => [FOR, line]);
          const head = headOf([...own, FOR, [client, ...hops].join(', ')]);
          expect(seen(head)).toBe(`${client}:0 http shop.example`);
        },
      ),
    );
  });
});

describe('Forwarded', () => {
  const only = ['forwarded'] as const;
  it.each<[string, string[], string]>([
    ['says who the client is', ['for=1.2.3.4'], '1.2.3.4:0 http shop.example'],
    [
      'with everything',
      ['by=_x;For="1.2.3.4:567";PROTO=https;host="www.example:8443"'],
      '1.2.3.4:567 https www.example:8443',
    ],
    ['of IPv6', ['for="[2001:db8::1]:567"'], '2001:db8::1:567 http shop.example'],
    [
      'from the right, past proxies',
      ['for=6.6.6.6, for=1.2.3.4;proto=https, for=10.0.0.2;proto=http'],
      '1.2.3.4:0 https shop.example',
    ],
    [
      'over several lines',
      ['for=6.6.6.6', 'for=1.2.3.4;host=a.example', 'for="[fd00::7]"'],
      '1.2.3.4:0 http a.example',
    ],
    ['an unknown client', ['for=6.6.6.6, for=unknown;proto=https'], '10.0.0.1:4711 https shop.example'],
    ['one that hides', ['for=6.6.6.6, for="_x:_y";proto=https'], '10.0.0.1:4711 https shop.example'],
    ['nothing of the client', ['for=6.6.6.6, proto=https'], '10.0.0.1:4711 https shop.example'],
    [
      'quotes hide commas',
      ['for=6.6.6.6, for=1.2.3.4;x="a, for=7.7.7.7;\\""'],
      '1.2.3.4:0 http shop.example',
    ],
    ['empty elements are none', [', for=1.2.3.4 ,;,'], '1.2.3.4:0 http shop.example'],
    [
      'a quote that is not closed stays with the one who wrote it',
      ['for=6.6.6.6;x="a', 'for=1.2.3.4'],
      '1.2.3.4:0 http shop.example',
    ],
    ['also in the same line', ['for="6.6.6.6, for=1.2.3.4;host="a.example"'], '1.2.3.4:0 http a.example'],
    ['or escaped', ['for="6.6.6.6\\", for=1.2.3.4;host="a.example"'], '1.2.3.4:0 http a.example'],
    ['one that is reached spoils all', ['for="1.2.3.4, for=10.0.0.2'], '10.0.0.1:4711 http shop.example'],
    [
      'a client among the proxies',
      ['for=10.0.0.3;proto=https, for=10.0.0.2'],
      '10.0.0.3:0 https shop.example',
    ],
    ['a pair that is none', ['for=1.2.3.4;https'], '10.0.0.1:4711 http shop.example'],
    ['IPv6 without quotes', ['for=[2001:db8::1]'], '10.0.0.1:4711 http shop.example'],
    ['IPv6 without brackets', ['for="2001:db8::1"'], '10.0.0.1:4711 http shop.example'],
    ['a blank in a pair', ['for = 1.2.3.4'], '10.0.0.1:4711 http shop.example'],
    ['a parameter twice', ['for=1.2.3.4;for=5.6.7.8'], '10.0.0.1:4711 http shop.example'],
    ['an address that is none', ['for=1.2.3;proto=https'], '10.0.0.1:4711 http shop.example'],
  ])('%s', (_, lines, expected) => {
    const fields = lines.flatMap((line) => ['Forwarded', line]);
    expect(seen(headOf([...fields, FOR, '7.7.7.7', PROTO, 'https']), only)).toBe(expected);
  });

  it('cannot be led astray by what a client writes in front', () => {
    const junk = fc.array(fc.stringMatching(/^[\x20-\x7e]{0,40}$/), { maxLength: 4 });
    const separator = fc.constantFrom(', ', ',', ' ,');
    fc.assert(
      fc.property(
        junk,
        separator,
        fc.constantFrom('"[2001:db8::7]:80"', '203.0.113.7', '"203.0.113.7"'),
        (lines, comma, client) => {
          const field = `${lines.join(',')}${comma}for=${client};proto=https;host="a.example"${comma}for=10.0.0.2`;
          expect(seen(headOf(['Forwarded', field]), only)).toMatch(
            /^(?:2001:db8::7:80|203\.0\.113\.7:0) https a\.example$/,
          );
        },
      ),
    );
  });

  it('is read in time that grows with its length', () => {
    const blanks = `${' \t'.repeat(15_000)}x`;
    expect(seen(headOf(['Forwarded', `for=1.2.3.4${blanks}`]), only)).toBe('10.0.0.1:4711 http shop.example');
    expect(seen(headOf(['Forwarded', `for="${'\\a'.repeat(15_000)}`]), only)).toBe(
      '10.0.0.1:4711 http shop.example',
    );
  });
});

describe('whatever proxies send', () => {
  it('the client has an address, and the host is one', () => {
    const piece = fc.oneof(
      fc.stringMatching(/^[\x20-\x7e\x80-\xff]{0,20}$/),
      fc.constantFrom(
        'for=',
        '"',
        '\\',
        ';',
        ',',
        '[',
        ']',
        '::1',
        '10.0.0.2',
        '1.2.3.4',
        ':',
        'proto=https',
        'host=a',
        'unknown',
        '_x',
      ),
    );
    const value = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
    const name = fc.constantFrom(FOR, PROTO, HOST, PORT, 'Forwarded');
    const modes: readonly (readonly ForwardedField[])[] = [ALL, ['forwarded']];
    fc.assert(
      fc.property(
        fc.array(fc.tuple(name, value), { maxLength: 6 }),
        fc.constantFrom(...modes),
        (lines, fields) => {
          const head = new Forwarding({ proxies: PROXIES, fields }).effective(headOf(lines.flat()));
          expect(isIP(head.connection.remoteAddress)).not.toBe(0);
          expect(head.authority).toMatch(/^(?:\[[0-9a-f:.]+\]|[a-z0-9._~-]+)(?::\d{1,5})?$/);
          expect(head.fields.flat()).toEqual(['Host', 'shop.example', 'Accept', '*/*']);
        },
      ),
      { numRuns: 400 },
    );
  });
});
