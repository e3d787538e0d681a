import { Flag, post, request } from '#test/support/http2/frame-client.js';
import { asks, dropped, type Http2Case, MALFORMED, malformed, OK, served, survives } from './http2-case.js';

const { END_HEADERS } = Flag;

/** What a request may look like. */
export const MESSAGES: readonly Http2Case[] = [
  survives('8.1', 'a request with trailers', OK, (client) => {
    client.headers(1, post('/', ['te', 'trailers']), END_HEADERS);
    client.data(1, 'a', 0);
    client.headers(1, [['x', '1']]);
  }),
  survives('8.1', 'trailers that do not end the stream', MALFORMED, (client) => {
    client.headers(1, post(), END_HEADERS);
    client.data(1, 'a', 0);
    client.headers(1, [['x', '1']], END_HEADERS);
  }),
  survives('8.1', 'a pseudo-header among the trailers', MALFORMED, (client) => {
    client.headers(1, post(), END_HEADERS);
    client.data(1, 'a', 0);
    client.headers(1, [[':path', '/b']]);
  }),
  survives('8.1.1', 'less DATA than Content-Length', MALFORMED, (client) => {
    client.headers(1, post('/', ['content-length', '5']), END_HEADERS);
    client.data(1, 'four');
  }),
  survives('8.1.1', 'more DATA than Content-Length', MALFORMED, (client) => {
    client.headers(1, post('/', ['content-length', '3']), END_HEADERS);
    client.data(1, 'four');
  }),
  malformed('8.1.1', 'Content-Length without DATA', post('/', ['content-length', '5'])),
  survives('8.1.1', 'two frames that exceed Content-Length', MALFORMED, (client) => {
    client.headers(1, post('/', ['content-length', '3']), END_HEADERS);
    client.data(1, 'ab', 0);
    client.data(1, 'cd');
  }),
  survives('8.1.1', 'two Content-Length', MALFORMED, (client) => {
    client.headers(1, post('/', ['content-length', '1'], ['content-length', '1']), END_HEADERS);
    client.data(1, 'a');
  }),
  survives('8.1.1', 'Content-Length that is no number', MALFORMED, (client) => {
    client.headers(1, post('/', ['content-length', '+1']), END_HEADERS);
    client.data(1, 'a');
  }),
  survives('8.1.1', 'DATA as long as Content-Length', OK, (client) => {
    client.headers(1, post('/', ['content-length', '4']), END_HEADERS);
    client.data(1, 'four');
  }),
  malformed('8.2', 'an upper-case name', request('/', ['X-Test', '1'])),
  dropped('8.2.1', 'a blank in a name', ['x test', '1'], request()),
  dropped('8.2.1', 'a colon in a name', ['x:test', '1'], request()),
  dropped('8.2.1', 'a byte above 0x7f in a name', ['x\xe9', '1'], request()),
  dropped('8.2.1', 'a control character in a name', ['x\x01', '1'], request()),
  dropped('8.2.1', 'an empty name', ['', '1'], request()),
  dropped('8.2.1', 'NUL in a value', ['x', 'a\0b'], request()),
  dropped('8.2.1', 'CR and LF in a value', ['x', 'a\r\nhost: b'], request()),
  dropped('8.2.1', 'LF in a value', ['x', 'a\nb'], request()),
  dropped('8.2.1', 'a blank before a value', ['x', ' a'], request()),
  dropped('8.2.1', 'a tab behind a value', ['x', 'a\t'], request()),
  served('8.2.1', 'an empty value', request('/', ['x', ''])),
  served('8.2.1', 'bytes above 0x7f in a value', request('/', ['x', 'caf\xe9'])),
  malformed('8.2.2', 'connection', request('/', ['connection', 'keep-alive'])),
  malformed('8.2.2', 'keep-alive', request('/', ['keep-alive', 'timeout=5'])),
  malformed('8.2.2', 'proxy-connection', request('/', ['proxy-connection', 'keep-alive'])),
  malformed('8.2.2', 'transfer-encoding', request('/', ['transfer-encoding', 'chunked'])),
  malformed('8.2.2', 'upgrade', request('/', ['upgrade', 'websocket'])),
  malformed('8.2.2', 'te other than trailers', request('/', ['te', 'gzip'])),
  served('8.2.2', 'te: trailers', request('/', ['te', 'trailers'])),
  served('8.2.3', 'crumbs of cookies', request('/', ['cookie', 'a=1'], ['x', '1'], ['cookie', 'b=2'])),
  malformed('8.3', 'an unknown pseudo-header', [...request(), [':test', '1']]),
  malformed('8.3', 'a pseudo-header of responses', [...request(), [':status', '200']]),
  malformed('8.3', 'a pseudo-header behind a field', [
    [':method', 'GET'],
    [':scheme', 'http'],
    ['x', '1'],
    [':path', '/'],
    [':authority', 'a'],
  ]),
  malformed('8.3.1', 'two :method', [[':method', 'GET'], ...request()]),
  malformed('8.3.1', 'two :path', [...request(), [':path', '/b']]),
  malformed('8.3.1', 'two :scheme', [...request(), [':scheme', 'http']]),
  malformed('8.3.1', 'two :authority', [...request(), [':authority', 'b.example']]),
  malformed('8.3.1', 'no :method', request().slice(1)),
  malformed('8.3.1', 'no :scheme', [
    [':method', 'GET'],
    [':path', '/'],
    [':authority', 'a'],
  ]),
  malformed('8.3.1', 'no :path', [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':authority', 'a'],
  ]),
  malformed('8.3.1', 'an empty :path', request('')),
  malformed('8.3.1', ':path without a slash', request('a')),
  malformed('8.3.1', ':path that is a URL', request('http://a.example/')),
  malformed('8.3.1', ':path with a fragment', request('/a#b')),
  malformed('8.3.1', ':path with a blank', request('/a b')),
  malformed('8.3.1', ':path with CR and LF', request('/a\r\nx: y')),
  malformed('8.3.1', ':path with a byte above 0x7f', request('/\xe9')),
  malformed('8.3.1', ':path that climbs above the root', request('/../b')),
  malformed('8.3.1', ':path with %00', request('/%00')),
  malformed('8.3.1', ':path with %2F', request('/a%2Fb')),
  malformed('8.3.1', '`*` with GET', request('*')),
  served('8.3.1', '`*` with OPTIONS', [[':method', 'OPTIONS'], ...request('*').slice(1)]),
  malformed('8.3.1', 'a method that is no token', [[':method', 'G ET'], ...request().slice(1)]),
  malformed('8.3.1', 'an empty method', [[':method', ''], ...request().slice(1)]),
  malformed('8.3.1', 'another scheme', [
    [':method', 'GET'],
    [':scheme', 'ftp'],
    [':path', '/'],
    [':authority', 'a'],
  ]),
  malformed('8.3.1', 'neither :authority nor host', request().slice(0, 3)),
  served('8.3.1', 'host instead of :authority', [...request().slice(0, 3), ['host', 'a.example']]),
  served('8.3.1', 'host and :authority that agree', request('/', ['host', 'A.example:80'])),
  malformed('8.3.1', 'host and :authority that differ', request('/', ['host', 'b.example'])),
  malformed('RFC 9110 7.2', 'two host', request('/', ['host', 'a.example'], ['host', 'a.example'])),
  malformed('8.3.1', ':authority with user information', [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'u@a'],
  ]),
  malformed('8.3.1', 'an empty :authority', [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', ''],
  ]),
  survives(
    '8.5',
    'CONNECT',
    ['501', '405', 'RST REFUSED_STREAM', 'RST CONNECT_ERROR'],
    asks(
      [
        [':method', 'CONNECT'],
        [':authority', 'a.example:443'],
      ],
      END_HEADERS,
    ),
  ),
  survives(
    '8.5',
    'CONNECT with :path',
    [...MALFORMED, '501'],
    asks(
      [
        [':method', 'CONNECT'],
        [':path', '/'],
        [':authority', 'a.example:443'],
      ],
      END_HEADERS,
    ),
  ),
  survives('RFC 9110 9.3.8', 'TRACE', ['405', '501'], asks([[':method', 'TRACE'], ...request().slice(1)])),
  served('RFC 9110 9.1', 'an unknown method', [[':method', 'BREW'], ...request().slice(1)]),
  survives(
    'RFC 9110 9.1',
    'a very long method',
    ['501', '400'],
    asks([[':method', 'A'.repeat(40)], ...request().slice(1)]),
  ),
  survives('RFC 9110 10.1.1', 'an unknown expectation', ['417'], (client) =>
    client.headers(1, post('/', ['expect', 'tea']), END_HEADERS),
  ),
  malformed('RFC 8441 4', ':protocol with GET', [...request(), [':protocol', 'websocket']]),
  malformed(
    'RFC 8441 4',
    'extended CONNECT without :path',
    [
      [':method', 'CONNECT'],
      [':protocol', 'websocket'],
      [':scheme', 'http'],
      [':authority', 'a'],
    ],
    END_HEADERS,
  ),
];
