import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { AbortReason, type Exchange, type ExchangeHandler } from '#host/exchange/exchange.js';
import { FieldBlock, type Fields } from '#host/http/field-block.js';
import { settle, until, WAIT_MS } from '#test/support/polling.js';
import { ConnectedEnds } from './connected-ends.js';
import { headOf } from './ends.js';
import { Recorder } from './recorder.js';

const get = headOf();

describe('a front and an instance', () => {
  let ends: ConnectedEnds;
  let handler: ExchangeHandler;

  beforeAll(async () => {
    ends = await ConnectedEnds.open((exchange) => handler(exchange));
  });
  afterAll(() => ends.close());
  beforeEach(() =>
    until('quiet', () => ends.client.activeExchanges === 0 && ends.server.activeExchanges === 0),
  );

  const ask = (answer: ExchangeHandler, head = get) => {
    handler = answer;
    const seen = new Recorder();
    return { seen, exchange: ends.client.open(head, head.path, seen) };
  };

  it.each<[string, string | Uint8Array | undefined, string]>([
    ['text', 'hello', 'hello'],
    ['text beyond ASCII', 'grüße 🚀', 'grüße 🚀'],
    ['long text', 'é'.repeat(10_000), 'é'.repeat(10_000)],
    ['bytes', Buffer.from([0, 255, 10]), '\0\ufffd\n'],
    ['nothing', undefined, ''],
    ['an empty text', '', ''],
    ['64 KiB of text', 'x'.repeat(65_536), 'x'.repeat(65_536)],
    ['text beyond ASCII at its very end', `${'x'.repeat(65_536)}é`, `${'x'.repeat(65_536)}é`],
    ['text that begins beyond ASCII', `🚀${'x'.repeat(65_536)}`, `🚀${'x'.repeat(65_536)}`],
    ['half a character', `${'x'.repeat(65_536)}\ud83d`, `${'x'.repeat(65_536)}\ufffd`],
    ['text of the longest frame', 'x'.repeat(131_068), 'x'.repeat(131_068)],
    ['text longer than a frame', 'y'.repeat(131_073), 'y'.repeat(131_073)],
    ['bytes of several frames', Buffer.alloc(200_000, 'z'), 'z'.repeat(200_000)],
  ])('answer with %s at once', async (_, body, expected) => {
    const { seen } = ask((exchange) => exchange.respond(200, ['content-type', 'text/plain'], body));
    await seen.over();
    expect(seen.status).toBe(200);
    expect(seen.body.toString()).toBe(expected);
    expect(seen.fields.slice(0, 2)).toEqual(['content-type', 'text/plain']);
  });

  it('announce the length of a body that does not fit into the head, and send none for HEAD and 304', async () => {
    const answer: ExchangeHandler = (exchange) =>
      exchange.respond(200, FieldBlock.of(['a', 'b']), Buffer.alloc(1e6));
    const whole = ask(answer).seen;
    whole.onData = () => undefined;
    await until('a window', () => whole.bytes === 256 * 1024);
    expect(whole.fields).toEqual(['a', 'b', 'content-length', '1000000']);
    const head = ask(answer, headOf({ method: 'HEAD' })).seen;
    await head.over();
    expect([head.fields, head.bytes]).toEqual([['a', 'b', 'content-length', '1000000'], 0]);
    const unchanged = ask((exchange) => exchange.respond(304, ['etag', '"1"'], 'dropped')).seen;
    await unchanged.over();
    expect([unchanged.fields, unchanged.body.length]).toEqual([['etag', '"1"'], 0]);
    const given = ask((exchange) =>
      exchange.respond(200, ['Content-Length', '40000'], Buffer.alloc(40_000)),
    ).seen;
    await given.over();
    expect(given.fields).toEqual(['Content-Length', '40000']);
    await ends.reconnect();
  });

  it('carry heads in all their parts', async () => {
    const fields = FieldBlock.of([
      'Host',
      'h',
      'X-A',
      '1',
      'x-a',
      '2',
      'Cookie',
      'c'.repeat(5000),
      'X-Latin',
      'é',
    ]);
    const head = headOf({
      method: 'QUERY',
      path: '/shop/a/b',
      query: '',
      version: '2.0',
      fields,
      authority: 'h:1',
      bodyLength: 2 ** 40,
      expectsContinue: true,
    });
    let arrived: Exchange | undefined;
    handler = (exchange) => {
      arrived = exchange;
      exchange.interim(100, []);
      exchange.respond(200, exchange.head.fields, undefined);
    };
    const seen = new Recorder();
    const exchange = ends.client.open(head, '/a/b', seen);
    await seen.over();
    const received = arrived?.head;
    expect(received).toMatchObject({
      method: 'QUERY',
      path: '/a/b',
      contextPath: '/shop',
      query: '',
      version: '2.0',
      authority: 'h:1',
      bodyLength: 2 ** 40,
      upgrade: undefined,
      expectsContinue: true,
    });
    expect(received?.connection).toMatchObject(head.connection);
    expect(received?.fields.flat()).toEqual(fields.flat());
    expect(seen.fields).toEqual(fields.flat());
    expect(seen.interims).toEqual([{ status: 100, fields: [] }]);
    exchange.abort(AbortReason.CANCELLED);
  });

  it.each([
    ['/shop', '/', undefined, '/shop'],
    ['/shop/', '/', undefined, '/shop'],
    ['/', '/', undefined, ''],
    ['/a/a', '/a', undefined, '/a'],
    ['/shop/x', '/shop/x', '/shop', '/shop'],
    ['*', '*', undefined, ''],
  ])('say the context path: %s served as %s', async (whole, path, given, expected) => {
    let seenPath = '';
    handler = (exchange) => {
      seenPath = (exchange.head as unknown as { contextPath: string }).contextPath;
      exchange.respond(204, [], undefined);
    };
    const seen = new Recorder();
    ends.client.open(headOf({ path: whole }), path, seen, given);
    await seen.over();
    expect(seenPath).toBe(expected);
  });

  it('tunnel raw bytes after 101, each direction closed on its own', async () => {
    const { seen, exchange } = ask(
      (answer) => {
        answer.listen({
          data(chunk) {
            answer.write(Buffer.from(chunk.toString().toUpperCase()));
            answer.consumed(chunk.length);
          },
          end() {
            answer.write(Buffer.from('bye'));
            answer.end();
          },
          drain: () => undefined,
          aborted: () => undefined,
        });
        answer.begin(101, ['Upgrade', 'chat']);
      },
      headOf({ upgrade: 'chat', bodyLength: -1 }),
    );
    await seen.until('response');
    exchange.write(Buffer.from('one '));
    await until('echo', () => seen.body.toString() === 'ONE ');
    exchange.write(Buffer.from('two '));
    exchange.end();
    await seen.over();
    expect([seen.status, seen.body.toString()]).toEqual([101, 'ONE TWO bye']);
  });

  it('answer 10,000 exchanges that are open at the same time', async () => {
    const held: Exchange[] = [];
    handler = (exchange) => held.push(exchange);
    let answered = 0;
    let sum = 0;
    const listener = {
      interim: () => undefined,
      response(status: number, fields: FieldBlock, body: Buffer | undefined) {
        if (status === 200 && fields.get('x-path') === body?.toString()) answered++;
        sum += Number(body?.toString().slice(1));
      },
      data: () => undefined,
      end: () => undefined,
      drain: () => undefined,
      aborted: () => undefined,
    };
    const count = 10_000;
    for (let i = 0; i < count; i++) ends.client.open(headOf({ path: `/${i}` }), `/${i}`, listener);
    await until('all requests', () => held.length === count);
    expect([ends.client.activeExchanges, ends.server.activeExchanges]).toEqual([count, count]);
    // Answered in another order than asked.
    for (const exchange of held.reverse())
      exchange.respond(200, ['x-path', exchange.head.path], exchange.head.path);
    await until('all answers', () => answered === count);
    expect(sum).toBe((count * (count - 1)) / 2);
    expect([ends.client.activeExchanges, ends.server.activeExchanges]).toEqual([0, 0]);
  });

  it('use ids again for a long time, aborts among them', async () => {
    handler = (exchange) => {
      if (exchange.head.path === '/slow') setImmediate(() => exchange.respond(200, [], 'slow'));
      else if (exchange.head.path === '/abort') exchange.abort(AbortReason.APPLICATION_ERROR);
      else exchange.respond(200, [], 'fast');
    };
    const recorders: Recorder[] = [];
    for (let round = 0; round < 100; round++) {
      for (const path of ['/slow', '/fast', '/abort', '/slow', '/fast']) {
        const seen = new Recorder();
        const exchange = ends.client.open(headOf({ path }), path, seen);
        if (recorders.length % 5 === 3) exchange.abort(AbortReason.CANCELLED);
        recorders.push(seen);
      }
      if (round % 3 === 0) await settle(1);
    }
    const expected = (i: number) =>
      [['response', 'end'], ['response', 'end'], ['aborted'], [], ['response', 'end']][i % 5];
    await until('all', () => ends.client.activeExchanges === 0 && ends.server.activeExchanges === 0);
    expect(recorders.map((seen) => seen.events)).toEqual(recorders.map((_, i) => expected(i)));
    expect(recorders.filter((seen) => seen.reason === AbortReason.APPLICATION_ERROR)).toHaveLength(100);
  });

  it('tell the application when the client is gone, once', async () => {
    const told = new Recorder();
    let inside: Exchange | undefined;
    const { seen, exchange } = ask((answer) => {
      inside = answer;
      answer.listen(told);
      answer.begin(200, []);
    });
    await seen.until('response');
    exchange.abort(AbortReason.CANCELLED);
    await told.until('aborted');
    expect(told.events).toEqual(['end', 'aborted']);
    expect(inside?.isEnded).toBe(true);
    expect(inside?.write(Buffer.from('late'))).toBe(false);
    inside?.end();
    inside?.respond(200, [], 'late');
    inside?.abort(AbortReason.APPLICATION_ERROR);
    expect(seen.events).toEqual(['response']);
  });

  it.each<[string, (exchange: Exchange) => void, string]>([
    [
      'a line end in a value',
      (exchange) => exchange.respond(200, ['a', 'b\r\nc: d'], ''),
      'PORTICO_EXCHANGE_FIELD',
    ],
    [
      'a character that would become a line end',
      (exchange) => exchange.respond(200, ['a', '\u010a'], ''),
      'PORTICO_EXCHANGE_FIELD',
    ],
    ['a bad name', (exchange) => exchange.begin(200, ['a b', 'c']), 'PORTICO_EXCHANGE_FIELD'],
    ['no name', (exchange) => exchange.begin(200, ['', 'c']), 'PORTICO_EXCHANGE_FIELD'],
    ['a bad status', (exchange) => exchange.respond(99, [], ''), 'PORTICO_EXCHANGE_STATUS'],
    ['a broken status', (exchange) => exchange.begin(200.5, []), 'PORTICO_EXCHANGE_STATUS'],
    ['101 unasked', (exchange) => exchange.begin(101, []), 'PORTICO_EXCHANGE_STATUS'],
    ['a final interim', (exchange) => exchange.interim(200, []), 'PORTICO_EXCHANGE_STATUS'],
    [
      'too many fields',
      (exchange) => exchange.respond(200, manyFields(1025), ''),
      'PORTICO_EXCHANGE_HEAD_TOO_LARGE',
    ],
    [
      'too large fields',
      (exchange) => exchange.respond(200, ['a', 'x'.repeat(66_000)], ''),
      'PORTICO_EXCHANGE_HEAD_TOO_LARGE',
    ],
    ['write before begin', (exchange) => exchange.write(Buffer.from('x')), 'PORTICO_EXCHANGE_STATE'],
    ['end before begin', (exchange) => exchange.end(), 'PORTICO_EXCHANGE_STATE'],
  ])(
    'refuse %s of the application at its call, and the exchange can still be answered',
    async (_, call, code) => {
      let thrown: unknown;
      const { seen } = ask((exchange) => {
        try {
          call(exchange);
        } catch (error) {
          thrown = error;
        }
        exchange.respond(500, [], 'sorry');
      });
      await seen.over();
      expect(thrown).toMatchObject({ code });
      expect([seen.status, seen.body.toString()]).toEqual([500, 'sorry']);
    },
  );

  it('refuse a second answer, and bad trailers', async () => {
    const codes: unknown[] = [];
    const attempt = (call: () => void) => {
      try {
        call();
      } catch (error) {
        codes.push((error as { code?: string }).code);
      }
    };
    const { seen } = ask((exchange) => {
      exchange.begin(200, []);
      attempt(() => exchange.begin(200, []));
      attempt(() => exchange.respond(200, [], ''));
      attempt(() => exchange.end(['a', '\n']));
      exchange.end(['a', 'b']);
      attempt(() => exchange.end());
      attempt(() => exchange.write(Buffer.from('x')));
      attempt(() => exchange.respond(200, [], ''));
    });
    await seen.over();
    expect(codes).toEqual([
      'PORTICO_EXCHANGE_STATE',
      'PORTICO_EXCHANGE_STATE',
      'PORTICO_EXCHANGE_FIELD',
      'PORTICO_EXCHANGE_STATE',
      'PORTICO_EXCHANGE_STATE',
      'PORTICO_EXCHANGE_STATE',
    ]);
    expect(seen.trailers).toEqual(['a', 'b']);
  });

  it('ping through the event loop of the instance', async () => {
    expect(await ends.client.ping(WAIT_MS)).toBeGreaterThan(0);
  });
});

function manyFields(count: number): Fields {
  return Array.from({ length: count }, () => ['a', 'b']).flat();
}
