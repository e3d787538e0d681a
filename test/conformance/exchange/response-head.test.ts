import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AbortReason } from '#host/exchange/exchange.js';
import { ExchangeClient } from '#host/exchange/exchange-client.js';
import { settle, until } from '#test/support/polling.js';
import { headOf, SECRET, temporarySocket } from './ends.js';
import {
  END,
  frame,
  RawListener,
  type RawPeer,
  requestPayload,
  responsePayload,
  Type,
  trailersPayload,
  u32,
} from './raw-peer.js';
import { Recorder } from './recorder.js';

const ok = responsePayload(200, []);

const malformed: [string, RegExp, Buffer[]][] = [
  ['RESPONSE without payload', /only 0 bytes/, [frame(Type.RESPONSE, END, 0, 0)]],
  ['RESPONSE of three bytes', /only 3 bytes/, [frame(Type.RESPONSE, END, 0, 0, Buffer.alloc(3))]],
  [
    'RESPONSE with a table beyond the frame',
    /table/,
    [frame(Type.RESPONSE, END, 0, 0, Buffer.from([0, 200, 0, 9]))],
  ],
  [
    'RESPONSE with 1025 fields',
    /1025 fields/,
    [frame(Type.RESPONSE, END, 0, 0, Buffer.from([0, 200, 4, 1]))],
  ],
  ['RESPONSE with the status 99', /status 99/, [frame(Type.RESPONSE, END, 0, 0, responsePayload(99, []))]],
  ['RESPONSE with the status 100', /status 100/, [frame(Type.RESPONSE, END, 0, 0, responsePayload(100, []))]],
  [
    'RESPONSE with the status 1000',
    /status 1000/,
    [frame(Type.RESPONSE, END, 0, 0, responsePayload(1000, []))],
  ],
  [
    '101 for a request without upgrade',
    /status 101/,
    [frame(Type.RESPONSE, 0, 0, 0, responsePayload(101, []))],
  ],
  ['a body without END', /body bytes/, [frame(Type.RESPONSE, 0, 0, 0, responsePayload(200, [], 'x'))]],
  [
    'a split response',
    /control byte/,
    [frame(Type.RESPONSE, END, 0, 0, responsePayload(200, [['a', 'b\r\n\r\nHTTP/1.1 200 OK']]))],
  ],
  ['a bad name', /no token/, [frame(Type.RESPONSE, END, 0, 0, responsePayload(200, [['a:b', 'c']]))]],
  [
    'a head above 64 KiB',
    /6\d{4} bytes/,
    [
      frame(
        Type.RESPONSE,
        END,
        0,
        0,
        responsePayload(200, [
          ['a', 'x'.repeat(60_000)],
          ['b', 'x'.repeat(9000)],
        ]),
      ),
    ],
  ],
  [
    'a second response',
    /second response/,
    [frame(Type.RESPONSE, 0, 0, 0, ok), frame(Type.RESPONSE, 0, 0, 0, ok)],
  ],
  [
    'a response after the end',
    /second response/,
    [frame(Type.RESPONSE, END, 0, 0, ok), frame(Type.RESPONSE, END, 0, 0, ok)],
  ],
  ['DATA before the response', /before its response/, [frame(Type.DATA, 0, 0, 0, Buffer.from('x'))]],
  ['END before the response', /before its response/, [frame(Type.END, 0, 0, 0)]],
  ['INTERIM with a final status', /status 200/, [frame(Type.INTERIM, 0, 0, 0, ok)]],
  ['INTERIM with 101', /status 101/, [frame(Type.INTERIM, 0, 0, 0, responsePayload(101, []))]],
  ['INTERIM with a body', /body/, [frame(Type.INTERIM, 0, 0, 0, responsePayload(103, [], 'x'))]],
  ['INTERIM with END', /flags 1/, [frame(Type.INTERIM, END, 0, 0, responsePayload(103, []))]],
  [
    'INTERIM after the response',
    /after its response/,
    [frame(Type.RESPONSE, 0, 0, 0, ok), frame(Type.INTERIM, 0, 0, 0, responsePayload(103, []))],
  ],
  [
    'endless INTERIM',
    /more than 32/,
    Array.from({ length: 33 }, () => frame(Type.INTERIM, 0, 0, 0, responsePayload(103, []))),
  ],
  ['REQUEST', /REQUEST is not expected/, [frame(Type.REQUEST, END, 0, 1, requestPayload())]],
  ['DRAIN with a payload', /DRAIN/, [frame(Type.DRAIN, 0, 0, 0, Buffer.from('x'))]],
  ['PONG of nine bytes', /PONG/, [frame(Type.PONG, 0, 0, 0, Buffer.alloc(9))]],
];

describe('responses at the front', () => {
  const socket = temporarySocket();
  const listener = new RawListener();
  let peer: RawPeer;
  let client: ExchangeClient;
  let closedBecause: string[];
  let drainings: number;
  const post = headOf({ method: 'POST', bodyLength: -1 });
  const upgrade = headOf({ bodyLength: -1, upgrade: 'websocket' });

  const connect = async (maxExchanges = 100) => {
    closedBecause = [];
    drainings = 0;
    const connecting = ExchangeClient.connect({
      socketPath: socket.path,
      secret: SECRET,
      onClosed: (reason) => closedBecause.push(reason),
      onDraining: () => drainings++,
    });
    peer = await listener.nextPeer();
    await peer.shakeAsInstance(SECRET, { maxExchanges });
    client = await connecting;
  };
  beforeEach(async () => {
    await listener.listen(socket.path);
    await connect();
  });
  afterEach(async () => {
    client.close();
    peer.destroy();
    await listener.close();
  });
  afterAll(() => socket.remove());

  it('answer a request that is one frame', async () => {
    const seen = new Recorder();
    client.open(headOf({ path: '/shop/a', query: 'x=1' }), '/a', seen);
    const request = await peer.next();
    expect([request.type, request.flags, request.generation, request.id]).toEqual([Type.REQUEST, END, 0, 0]);
    expect(request.payload).toEqual(
      requestPayload({ contextPath: '/shop', path: '/a', query: 'x=1', remote: '192.0.2.7' }),
    );
    peer.send(frame(Type.RESPONSE, END, 0, 0, responsePayload(200, [['Server', 'raw']], 'hello')));
    await seen.over();
    expect([seen.events, seen.status, seen.fields, seen.body.toString()]).toEqual([
      ['response', 'end'],
      200,
      ['Server', 'raw'],
      'hello',
    ]);
    expect(client.activeExchanges).toBe(0);
  });

  it.each(malformed)('as %s are a violation', async (_, message, frames) => {
    const seen = new Recorder();
    client.open(post, '/', seen);
    await peer.next(Type.REQUEST);
    peer.send(...frames);
    const error = await peer.next(Type.ERROR);
    expect(error.payload.toString('utf8', 2)).toMatch(message);
    await peer.closed();
    await until('the reason', () => closedBecause.length === 1);
    expect(closedBecause[0]).toMatch(message);
    expect(seen.reason).toBe(AbortReason.PROTOCOL_ERROR);
    expect(client.isOpen).toBe(false);
  });

  it('carry interim responses before the final one', async () => {
    const seen = new Recorder();
    client.open(headOf(), '/', seen);
    peer.send(
      frame(Type.INTERIM, 0, 0, 0, responsePayload(103, [['Link', '</a.css>']])),
      frame(Type.INTERIM, 0, 0, 0, responsePayload(100, [])),
      frame(Type.RESPONSE, END, 0, 0, ok),
    );
    await seen.over();
    expect(seen.interims).toEqual([
      { status: 103, fields: ['Link', '</a.css>'] },
      { status: 100, fields: [] },
    ]);
    expect(seen.events).toEqual(['interim', 'interim', 'response', 'end']);
  });

  it('make a tunnel with 101, in which END closes one direction and trailers are refused', async () => {
    const seen = new Recorder();
    const tunnel = client.open(upgrade, '/', seen);
    expect((await peer.next(Type.REQUEST)).flags).toBe(0);
    peer.send(frame(Type.RESPONSE, 0, 0, 0, responsePayload(101, [['Upgrade', 'websocket']])));
    await seen.until('response');
    tunnel.write(Buffer.from('to the application'));
    peer.send(frame(Type.DATA, 0, 0, 0, Buffer.from('to the client')), frame(Type.END, 0, 0, 0));
    expect((await peer.next(Type.DATA)).payload.toString()).toBe('to the application');
    await seen.until('end');
    tunnel.write(Buffer.from('still open'));
    tunnel.end(['Dropped', 'trailer']);
    expect((await peer.next(Type.DATA)).payload.toString()).toBe('still open');
    expect((await peer.next(Type.END)).payload).toHaveLength(0);
    expect(client.activeExchanges).toBe(0);
    const second = new Recorder();
    client.open(upgrade, '/', second);
    peer.send(
      frame(Type.RESPONSE, 0, 1, 0, responsePayload(101, [])),
      frame(Type.END, 0, 1, 0, trailersPayload([['a', 'b']])),
    );
    expect((await peer.next(Type.ERROR)).payload.toString()).toMatch(/tunnel/);
  });

  it('are told apart by generation when the old use of an id still speaks', async () => {
    const first = new Recorder();
    const exchange = client.open(post, '/', first);
    peer.send(frame(Type.RESPONSE, END, 0, 0, ok));
    await first.over();
    exchange.end();
    const second = new Recorder();
    client.open(post, '/', second);
    expect((await peer.next(Type.REQUEST)).generation).toBe(0);
    expect((await peer.next(Type.REQUEST)).generation).toBe(1);
    // Credit and abort for the first use that were sent before its END arrived.
    peer.send(frame(Type.WINDOW, 0, 0, 0, u32(9)), frame(Type.ABORT, 0, 0, 0, Buffer.from([1])));
    peer.send(frame(Type.RESPONSE, END, 1, 0, responsePayload(201, [])));
    await second.over();
    expect(second.status).toBe(201);
  });

  it('may be complete before the request is; the abort that follows is told', async () => {
    const seen = new Recorder();
    const exchange = client.open(post, '/', seen);
    peer.send(
      frame(Type.RESPONSE, END, 0, 0, responsePayload(413, [])),
      frame(Type.ABORT, 0, 0, 0, Buffer.from([6])),
    );
    await seen.until('aborted');
    expect(seen.events).toEqual(['response', 'end', 'aborted']);
    expect(seen.reason).toBe(AbortReason.BODY_TOO_LARGE);
    expect(exchange.write(Buffer.from('x'))).toBe(false);
    expect((await peer.next(Type.ABORT)).id).toBe(0);
    expect(client.activeExchanges).toBe(0);
  });

  it('are not waited for by requests beyond the announced count', async () => {
    client.close();
    await connect(2);
    const recorders = [new Recorder(), new Recorder(), new Recorder()];
    const exchanges = recorders.map((recorder) => client.open(headOf(), '/', recorder));
    expect(recorders[2]?.events).toEqual([]);
    await recorders[2]?.until('aborted');
    expect(recorders[2]?.reason).toBe(AbortReason.REFUSED);
    expect(exchanges[2]?.write(Buffer.from('x'))).toBe(false);
    exchanges[0]?.abort(AbortReason.TIMEOUT);
    // Aborted is not free: the instance has not confirmed yet.
    const fourth = new Recorder();
    client.open(headOf(), '/', fourth);
    await fourth.until('aborted');
    peer.send(frame(Type.ABORT, 0, 0, 0, Buffer.from([1])));
    await until('the confirmation', () => client.activeExchanges === 1);
    client.open(headOf(), '/', new Recorder());
    await peer.next(Type.ABORT);
    expect(await peer.next(Type.REQUEST)).toMatchObject({ id: 0, generation: 1 });
  });

  it('refuse a head that the protocol cannot carry, and keep the connection', async () => {
    const { FieldBlock } = await import('#host/http/field-block.js');
    const seen = new Recorder();
    client.open(headOf({ fields: FieldBlock.of(['a', 'x'.repeat(70_000)]) }), '/', seen);
    await seen.until('aborted');
    expect(seen.reason).toBe(AbortReason.PROTOCOL_ERROR);
    const next = new Recorder();
    client.open(headOf(), '/', next);
    expect(await peer.next()).toMatchObject({ type: Type.REQUEST, id: 0, generation: 0 });
  });

  it('end with DRAIN: no new exchanges, open ones go on, then the front closes', async () => {
    const seen = new Recorder();
    client.open(headOf(), '/', seen);
    peer.send(frame(Type.DRAIN, 0, 0, 0), frame(Type.DRAIN, 0, 0, 0));
    await until('drain', () => drainings === 1);
    expect(client.isOpen).toBe(false);
    const refused = new Recorder();
    client.open(headOf(), '/', refused);
    await refused.until('aborted');
    expect(refused.reason).toBe(AbortReason.REFUSED);
    peer.send(frame(Type.RESPONSE, END, 0, 0, responsePayload(200, [], 'last words')));
    await seen.over();
    expect(seen.body.toString()).toBe('last words');
    await peer.closed();
    expect(closedBecause).toEqual(['the instance has drained']);
    expect(drainings).toBe(1);
  });

  it('come with pings that measure the way, or miss their deadline', async () => {
    const first = client.ping(5000);
    const { payload } = await peer.next(Type.PING);
    peer.send(frame(Type.PONG, 0, 0, 0, payload));
    expect(await first).toBeGreaterThan(0);
    await expect(client.ping(30)).rejects.toMatchObject({ code: 'PORTICO_EXCHANGE_TIMEOUT' });
    // A late or invented PONG does no harm.
    peer.send(frame(Type.PONG, 0, 0, 0, Buffer.alloc(8, 255)));
    const lost = client.ping(5000);
    client.close();
    await expect(lost).rejects.toMatchObject({ code: 'PORTICO_EXCHANGE_CLOSED' });
    await expect(client.ping(10)).rejects.toMatchObject({ code: 'PORTICO_EXCHANGE_CLOSED' });
  });

  it('are over with close(): exchanges hear INSTANCE_GONE, onClosed comes once', async () => {
    const seen = new Recorder();
    client.open(headOf(), '/', seen);
    client.close();
    client.close();
    expect([seen.events, seen.reason]).toEqual([['aborted'], AbortReason.INSTANCE_GONE]);
    expect(closedBecause).toEqual(['this end closed the connection']);
    await peer.closed();
    const late = new Recorder();
    client.open(headOf(), '/', late);
    await settle();
    expect(late.reason).toBe(AbortReason.REFUSED);
  });
});
