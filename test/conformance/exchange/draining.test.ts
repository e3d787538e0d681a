import { describe, expect, it } from '@jest/globals';
import { AbortReason } from '#host/exchange/exchange.js';
import { ExchangeClient } from '#host/exchange/exchange-client.js';
import { ExchangeServer } from '#host/exchange/exchange-server.js';
import { settle, until, WAIT_MS } from '#test/support/polling.js';
import { headOf, SECRET, temporarySocket } from './ends.js';
import {
  END,
  frame,
  helloPayload,
  proof,
  RawPeer,
  requestPayload,
  responsePayload,
  Type,
} from './raw-peer.js';
import { Recorder } from './recorder.js';

const get = headOf();

describe('an instance that stops', () => {
  it('loses no request: what was sent before DRAIN arrived is answered, the rest is refused', async () => {
    const socket = temporarySocket();
    const server = new ExchangeServer({
      socketPath: socket.path,
      secret: SECRET,
      handler: (exchange) => setImmediate(() => exchange.respond(200, [], 'served')),
    });
    await server.listen();
    const closed: string[] = [];
    const client = await ExchangeClient.connect({
      socketPath: socket.path,
      secret: SECRET,
      onClosed: (reason) => closed.push(reason),
    });
    const recorders: Recorder[] = [];
    const open = () => {
      for (let i = 0; i < 10; i++) {
        const seen = new Recorder();
        recorders.push(seen);
        client.open(get, '/', seen);
      }
    };
    open();
    await settle(1);
    open();
    const closing = server.close(WAIT_MS);
    open();
    await until('the end', () => {
      if (recorders.length < 400) open();
      return closed.length === 1;
    });
    await closing;
    await until('all', () => recorders.every((seen) => seen.isOver));
    const outcomes = new Set(recorders.map((seen) => seen.status || seen.reason));
    expect(outcomes).toEqual(new Set([200, AbortReason.REFUSED]));
    expect(closed).toEqual(['the instance has drained']);
    socket.remove();
  });

  it('still serves a request that came right behind a proof it had not read yet', async () => {
    const socket = temporarySocket();
    const server = new ExchangeServer({
      socketPath: socket.path,
      secret: SECRET,
      handler: (exchange) => exchange.respond(200, [], 'served'),
    });
    await server.listen();
    const peer = await RawPeer.connect(socket.path);
    const front = helloPayload(1);
    peer.send(frame(Type.HELLO, 0, 0, 0, front));
    const instance = (await peer.next(Type.HELLO)).payload.subarray(0, 52);
    const closing = server.close(WAIT_MS);
    await settle();
    peer.send(frame(Type.PROOF, 0, 0, 0, proof(1, SECRET, front, instance)));
    peer.send(frame(Type.REQUEST, END, 0, 0, requestPayload()));
    expect((await peer.next()).type).toBe(Type.DRAIN);
    expect((await peer.next()).payload).toEqual(responsePayload(200, [], 'served'));
    peer.destroy();
    await closing;
    socket.remove();
  });

  it('cuts what is still open at the deadline', async () => {
    const socket = temporarySocket();
    const told = new Recorder();
    const server = new ExchangeServer({
      socketPath: socket.path,
      secret: SECRET,
      handler: (exchange) => exchange.listen(told),
    });
    await server.listen();
    const client = await ExchangeClient.connect({
      socketPath: socket.path,
      secret: SECRET,
      onClosed: () => undefined,
    });
    const seen = new Recorder();
    client.open(get, '/', seen);
    await told.until('end');
    await server.close(30);
    expect(told.reason).toBe(AbortReason.CANCELLED);
    await seen.until('aborted');
    expect(seen.reason).toBe(AbortReason.INSTANCE_GONE);
    socket.remove();
  });

  it('tells DRAIN also to a front that connects later', async () => {
    const socket = temporarySocket();
    const server = new ExchangeServer({ socketPath: socket.path, secret: SECRET, handler: () => undefined });
    await server.listen();
    server.drain();
    let drainings = 0;
    const closed: string[] = [];
    await ExchangeClient.connect({
      socketPath: socket.path,
      secret: SECRET,
      onClosed: (reason) => closed.push(reason),
      onDraining: () => drainings++,
    });
    await until('drained', () => closed.length === 1);
    expect(drainings).toBe(1);
    await server.close(1000);
    socket.remove();
  });
});
