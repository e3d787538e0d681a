/** What a server answers to an opening handshake. */
export interface HandshakeCase {
  readonly name: string;
  /** Section of RFC 6455 unless it names another. */
  readonly rfc: string;
  /** Header lines in place of those of a good handshake; undefined takes the line away. */
  readonly lines?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly method?: string;
  readonly version?: string;
  readonly path?: string;
  /** Where there are two, Node's parser decides for one of them. */
  readonly status: number | readonly number[];
  /** Fields of the answer, by name in lower case; undefined: it is not there. */
  readonly answer?: Readonly<Record<string, string | undefined>>;
  /** What a plain `ws` application answers, where it is something else; the front only carries it. */
  readonly ws?: { readonly why: string; readonly status: number };
}

const plain = { why: 'to node:http this is a plain request', status: 200 };
const OWN_426 = { why: 'ws says 400, with the versions', status: 400 };

/** Opening handshakes (RFC 6455 §4.2). */
export const HANDSHAKE_CASES: readonly HandshakeCase[] = [
  {
    name: 'a good one',
    rfc: '4.2.2',
    status: 101,
    answer: {
      upgrade: 'websocket',
      connection: 'Upgrade',
      'sec-websocket-accept': 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
      'sec-websocket-protocol': undefined,
      'sec-websocket-extensions': undefined,
    },
  },
  {
    name: 'names in other letters',
    rfc: '4.2.1',
    lines: { Upgrade: 'WebSocket', Connection: 'keep-alive, UPGRADE' },
    status: 101,
    answer: { upgrade: 'websocket' },
  },
  {
    name: 'another protocol beside it',
    rfc: '4.2.1',
    lines: { Upgrade: 'h2c, websocket' },
    status: 101,
    answer: { upgrade: 'websocket' },
    ws: { why: 'ws wants it alone', status: 400 },
  },
  { name: 'another protocol instead', rfc: '4.2.1', lines: { Upgrade: 'h2c' }, status: 400 },
  { name: 'no Upgrade', rfc: '4.2.1', lines: { Upgrade: undefined }, status: 400, ws: plain },
  { name: 'no Connection', rfc: '4.2.1', lines: { Connection: undefined }, status: 400, ws: plain },
  {
    name: 'Connection without upgrade',
    rfc: '4.2.1',
    lines: { Connection: 'keep-alive' },
    status: 400,
    ws: plain,
  },
  { name: 'HTTP/1.0', rfc: '4.2.1', version: 'HTTP/1.0', status: 400, ws: plain },
  {
    name: 'HTTP/1.0 with keep-alive',
    rfc: '4.2.1',
    version: 'HTTP/1.0',
    lines: { Connection: 'keep-alive, Upgrade' },
    status: 400,
    ws: plain,
  },
  { name: 'HTTP/2.0 in text', rfc: '4.2.1', version: 'HTTP/2.0', status: [505, 400] },
  { name: 'HTTP/0.9', rfc: '4.2.1', version: '', status: [400, 505] },
  { name: 'no Host', rfc: '4.2.1', lines: { Host: undefined }, status: 400 },
  { name: 'POST', rfc: '4.2.1', method: 'POST', status: 405 },
  { name: 'HEAD', rfc: '4.2.1', method: 'HEAD', status: 405 },
  {
    name: 'no version',
    rfc: '4.4',
    lines: { 'Sec-WebSocket-Version': undefined },
    status: 426,
    answer: { 'sec-websocket-version': '13' },
    ws: OWN_426,
  },
  ...['12', '14', '0', '-1', '013', '13.0', '13, 8', 'abc', ''].map((version) => ({
    name: `version ${JSON.stringify(version)}`,
    rfc: '4.4',
    lines: { 'Sec-WebSocket-Version': version },
    status: 426,
    answer: { 'sec-websocket-version': '13' },
    ws: version === '013' || version === '13.0' ? { why: 'ws reads it as a number', status: 101 } : OWN_426,
  })),
  {
    name: 'version 8',
    rfc: '4.4',
    lines: { 'Sec-WebSocket-Version': '8' },
    status: 426,
    ws: { why: 'ws also speaks the draft', status: 101 },
  },
  { name: 'two versions', rfc: '11.3.5', lines: { 'Sec-WebSocket-Version': ['13', '8'] }, status: 400 },
  {
    name: 'the same version twice',
    rfc: '11.3.5',
    lines: { 'Sec-WebSocket-Version': ['13', '13'] },
    status: 400,
  },
  { name: 'no key', rfc: '4.2.1', lines: { 'Sec-WebSocket-Key': undefined }, status: 400 },
  ...[
    '',
    'x',
    'dGhlIHNhbXBsZSBub25jZQ',
    'dGhlIHNhbXBsZSBub25jZQ=',
    'dGhlIHNhbXBsZSBub25jZTEyMzQ=',
    'dGhlIHNhbXBsZSBub25j*Q==',
    'dGhl IHNhbXBsZSBub25jZQ==',
  ].map((key) => ({
    name: `key ${JSON.stringify(key)}`,
    rfc: '4.2.1',
    lines: { 'Sec-WebSocket-Key': key },
    status: 400,
  })),
  {
    name: 'two keys',
    rfc: '11.3.1',
    lines: { 'Sec-WebSocket-Key': ['dGhlIHNhbXBsZSBub25jZQ==', 'AAAAAAAAAAAAAAAAAAAAAA=='] },
    status: 400,
  },
  {
    name: 'a page of another site',
    rfc: '10.2',
    lines: { Origin: 'https://evil.example' },
    status: 403,
    ws: { why: 'the application asks for nothing', status: 101 },
  },
  { name: 'a page of the same site', rfc: '10.2', lines: { Origin: 'http://localhost' }, status: 101 },
  {
    name: 'a path that is none',
    rfc: '4.2.2',
    path: '/nowhere',
    status: 404,
    ws: { why: 'the application takes every path', status: 101 },
  },
  { name: 'with a query', rfc: '3', path: '/echo?a=b', status: 101 },
  { name: 'a body announced', rfc: '4.2.1', lines: { 'Content-Length': '5' }, status: 400, ws: plain },
  {
    name: 'sub-protocols',
    rfc: '4.2.2',
    path: '/protocol',
    lines: { 'Sec-WebSocket-Protocol': 'chat, superchat' },
    status: 101,
    answer: { 'sec-websocket-protocol': 'superchat' },
  },
  {
    name: 'sub-protocols in two lines',
    rfc: '11.3.4',
    path: '/protocol',
    lines: { 'Sec-WebSocket-Protocol': ['chat', 'superchat'] },
    status: 101,
    answer: { 'sec-websocket-protocol': 'superchat' },
  },
  {
    name: 'a sub-protocol that the application prefers and nobody offered',
    rfc: '4.2.2',
    path: '/own-protocol',
    lines: { 'Sec-WebSocket-Protocol': 'chat' },
    status: 101,
    answer: { 'sec-websocket-protocol': undefined },
  },
  ...['chat, chat', 'a b', '', 'a,,b', '"chat"'].map((protocols) => ({
    name: `sub-protocols ${JSON.stringify(protocols)}`,
    rfc: '4.1',
    path: '/protocol',
    lines: { 'Sec-WebSocket-Protocol': protocols },
    status: 400,
  })),
];

/** An offer of extensions, and what is agreed on; 400 when the field is malformed. */
export interface OfferCase {
  readonly offer: string | readonly string[];
  readonly agreed: string | 400;
  readonly ws?: string | 400;
}

const D = 'permessage-deflate';

/** RFC 6455 §9.1, RFC 7692 §5, §7.1. `ws` refuses the handshake where an offer has only to be declined. */
export const OFFER_CASES: readonly OfferCase[] = [
  { offer: D, agreed: D },
  { offer: `${D}; client_max_window_bits`, agreed: D },
  { offer: `${D};client_max_window_bits=10`, agreed: `${D}; client_max_window_bits=10` },
  { offer: `${D}; client_max_window_bits=8`, agreed: D, ws: `${D}; client_max_window_bits=8` },
  { offer: `${D}; server_max_window_bits=9`, agreed: `${D}; server_max_window_bits=9` },
  { offer: `${D}; server_max_window_bits="12"`, agreed: `${D}; server_max_window_bits=12` },
  { offer: `${D} ; server_no_context_takeover`, agreed: `${D}; server_no_context_takeover` },
  { offer: `${D}; client_no_context_takeover`, agreed: `${D}; client_no_context_takeover` },
  {
    offer: `${D}; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=11`,
    agreed: `${D}; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=11`,
  },
  { offer: 'x-webkit-deflate-frame', agreed: '' },
  { offer: `foo; bar="baz", ${D}`, agreed: D },
  { offer: ['foo', D], agreed: D },
  { offer: `, ,${D}, ,`, agreed: D, ws: 400 },
  // zlib has no window of 8 bits.
  { offer: `${D}; server_max_window_bits=8`, agreed: '', ws: `${D}; server_max_window_bits=8` },
  { offer: `${D}; server_max_window_bits=8, ${D}`, agreed: D, ws: `${D}; server_max_window_bits=8` },
  ...['7', '16', '09', '010', '0x9', '1e1', '-9', 'abc', '9.0'].map((bits) => ({
    offer: `${D}; server_max_window_bits=${bits}`,
    agreed: '',
    ws: ['09', '9.0'].includes(bits)
      ? `${D}; server_max_window_bits=9`
      : ['010', '1e1'].includes(bits)
        ? `${D}; server_max_window_bits=10`
        : bits === '0x9'
          ? `${D}; server_max_window_bits=9`
          : (400 as const),
  })),
  { offer: `${D}; server_max_window_bits`, agreed: '', ws: 400 },
  { offer: `${D}; client_max_window_bits=16`, agreed: '', ws: 400 },
  { offer: `${D}; client_max_window_bits=7`, agreed: '', ws: 400 },
  { offer: `${D}; server_no_context_takeover=1`, agreed: '', ws: 400 },
  { offer: `${D}; client_no_context_takeover=true`, agreed: '', ws: 400 },
  { offer: `${D}; unknown`, agreed: '', ws: 400 },
  { offer: `${D}; constructor`, agreed: '', ws: 400 },
  { offer: `${D}; client_max_window_bits; client_max_window_bits=10`, agreed: '', ws: 400 },
  { offer: `${D}; server_no_context_takeover; server_no_context_takeover`, agreed: '', ws: 400 },
  {
    offer: `${D}; unknown, ${D}; server_no_context_takeover`,
    agreed: `${D}; server_no_context_takeover`,
    ws: 400,
  },
  { offer: `${D}; server_max_window_bits=99, ${D}; client_max_window_bits`, agreed: D, ws: 400 },
  { offer: [`${D}; unknown=1`, D], agreed: D, ws: 400 },
  { offer: '', agreed: 400 },
  { offer: ',', agreed: 400 },
  { offer: `${D};`, agreed: 400 },
  { offer: `${D}; =10`, agreed: 400 },
  { offer: `${D}; server_max_window_bits=`, agreed: 400 },
  { offer: `${D}; server_max_window_bits="10`, agreed: 400 },
  { offer: `${D}; server_max_window_bits="1 0"`, agreed: 400 },
  { offer: `${D}; server_max_window_bits=10 11`, agreed: 400 },
  { offer: `permessage deflate`, agreed: 400 },
  { offer: `${D}/1`, agreed: 400 },
];
