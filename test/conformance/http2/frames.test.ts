import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Exchange } from '#host/exchange/exchange.js';
import { TestServer } from '#test/support/connector-server.js';
import { echo } from '#test/support/echo.js';
import { FrameClient } from '#test/support/http2/frame-client.js';
import { FRAMES, STREAMS } from './frame-cases.js';
import type { Http2Case } from './http2-case.js';
import { COMPRESSION, LIMITS } from './limit-cases.js';
import { MESSAGES } from './message-cases.js';

/** HTTP/2 from the side of a client that breaks every rule of it: RFC 9113, RFC 7541, RFC 8441. */
describe('HTTP/2, frame by frame', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start(answer, {}, { http2: {} });
  });
  afterAll(async () => {
    await server.stop();
  });

  const run = (one: Http2Case) => async (): Promise<void> => {
    const client = await FrameClient.open(server.port);
    try {
      one.send(client);
      const outcome = await client.outcome(one.stream);
      expect(one.accept).toContain(outcome);
      if (one.lives) expect(await client.isAlive()).toBe(true);
      if (!one.drops || outcome !== '200') return;
      expect(await client.ended(one.stream)).toBe(true);
      expect(JSON.parse(client.dataOf(one.stream).toString())).toMatchObject({
        fields: ['host', 'a.example'],
      });
    } finally {
      client.close();
    }
  };

  const groups = {
    streams: STREAMS,
    frames: FRAMES,
    messages: MESSAGES,
    compression: COMPRESSION,
    limits: LIMITS,
  };
  for (const [name, cases] of Object.entries(groups)) {
    describe(name, () => {
      for (const one of cases) it(`§${one.section}: ${one.title}`, run(one));
    });
  }
});

/** `/never` gets no answer while the test lasts. */
function answer(exchange: Exchange): void {
  if (exchange.head.path !== '/never') echo(exchange);
}
