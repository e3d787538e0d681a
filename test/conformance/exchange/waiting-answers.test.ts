import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AbortReason, type Exchange } from '#host/exchange/exchange.js';
import { ExchangeServer } from '#host/exchange/exchange-server.js';
import { until } from '#test/support/polling.js';
import { SECRET, temporarySocket } from './ends.js';
import { frame, RawPeer, requestPayload, Type } from './raw-peer.js';

const EXCHANGES = 40;
const LONG = 'long text '.repeat(10_000);

/** Long texts in answer to a front that does not read: more than the socket and its queue take. */
describe('a long text that has to wait for its socket', () => {
  let socket: ReturnType<typeof temporarySocket>;
  let server: ExchangeServer;
  let peer: RawPeer;
  let exchanges: Exchange[];
  beforeEach(async () => {
    exchanges = [];
    socket = temporarySocket();
    server = new ExchangeServer({
      socketPath: socket.path,
      secret: SECRET,
      handler: (exchange) => exchanges.push(exchange),
    });
    await server.listen();
    peer = await RawPeer.connect(socket.path);
    await peer.shakeAsFront(SECRET);
    for (let id = 0; id < EXCHANGES; id++) peer.send(frame(Type.REQUEST, 1, 0, id, requestPayload({})));
    await until('the exchanges', () => exchanges.length === EXCHANGES);
    peer.socket.pause();
  });
  afterEach(async () => {
    peer.destroy();
    await server.close(0);
    socket.remove();
  });

  /** The body that arrived, undefined as long as it is not complete. */
  function bodyOf(id: number): string | undefined {
    const data = peer.frames.filter((one) => one.type === Type.DATA && one.id === id);
    return data.at(-1)?.flags === 1
      ? Buffer.concat(data.map(({ payload }) => payload)).toString('utf8')
      : undefined;
  }

  it('arrives whole and once, each with the head that it was given', async () => {
    // Memory is used again meanwhile: each text is another one.
    const texts = exchanges.map((_, id) => `${`${id}, `.repeat(25_000)}${id % 2 === 0 ? '' : 'é'}`);
    exchanges.forEach((exchange, id) => {
      const fields = ['x-id', String(id)];
      exchange.respond(200, fields, texts[id]);
      // The application may use its list again.
      fields[1] = 'changed';
    });
    for (const exchange of exchanges) {
      expect(exchange.isBegun).toBe(true);
      expect(exchange.isEnded).toBe(true);
    }
    peer.socket.resume();
    await until('the last', () => exchanges.every((_, id) => bodyOf(id) !== undefined));
    for (const [id, text] of texts.entries()) {
      expect(bodyOf(id)).toBe(text);
      const heads = peer.frames.filter((one) => one.type === Type.RESPONSE && one.id === id);
      expect(heads).toHaveLength(1);
      const head = heads[0]?.payload.toString('latin1');
      expect(head).toContain(`x-id${id}`);
      expect(head).toContain(`content-length${Buffer.byteLength(text)}`);
    }
    await until('the end', () => server.activeExchanges === 0);
  });

  it('refuses a field that cannot be sent at once, and a second answer', () => {
    const last = exchanges.pop() as Exchange;
    for (const exchange of exchanges) exchange.respond(200, [], LONG);
    expect(() => last.respond(200, ['x', 'a\r\nb'], LONG)).toThrow(
      expect.objectContaining({ code: 'PORTICO_EXCHANGE_FIELD' }),
    );
    last.respond(200, [], LONG);
    expect(() => last.respond(200, [], LONG)).toThrow(
      expect.objectContaining({ code: 'PORTICO_EXCHANGE_STATE' }),
    );
  });

  it('is forgotten when the front gives up', async () => {
    for (const exchange of exchanges) exchange.respond(200, [], LONG);
    for (let id = 1; id < EXCHANGES; id++)
      peer.send(frame(Type.ABORT, 0, 0, id, Buffer.from([AbortReason.CANCELLED])));
    await until('the aborts', () => server.activeExchanges <= 1);
    peer.socket.resume();
    await until('the answer that is wanted', () => bodyOf(0) !== undefined);
    await until('the end', () => server.activeExchanges === 0);
    expect(bodyOf(EXCHANGES - 1)).toBeUndefined();
  });
});
