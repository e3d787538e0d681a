import { describe, expect, it } from '@jest/globals';
import { type Application, routing } from 'portico';
import { withTestApplication } from 'portico/testing';
import { WebSockets, webSocket } from '#host/plugins/web-sockets.js';

function module(application: Application): void {
  application.install(WebSockets);
  routing(application, (r) => {
    r.post('/echo', async (call) => call.respondText(await call.receiveText(), 'text/x', 201));
    r.get('/fail', () => {
      throw new RangeError('broken');
    });
    r.get('/count', (call) => {
      const count = Number(call.request.cookies.get('count') ?? 0) + 1;
      call.response.header('Set-Cookie', `count=${count}`);
      return String(count);
    });
    webSocket(r, '/chat', async (session) => {
      for await (const { text } of session.incoming) await session.send(text.toUpperCase());
    });
  });
}

describe('withTestApplication', () => {
  it('handles requests and gives the whole answer', async () => {
    const result = await withTestApplication(module, async (t) => {
      const call = await t.handleRequest('POST', '/echo', { headers: { 'X-A': '1' }, body: 'grüße' });
      expect(call.request).toEqual({ method: 'POST', uri: '/echo' });
      expect([call.response.status, call.response.content]).toEqual([201, 'grüße']);
      expect(call.response.headers['content-type']).toBe('text/x');
      expect((await t.handleRequest('GET', '/nothing')).response.status).toBe(404);
      await expect(t.handleRequest('GET', '/fail')).rejects.toThrow('broken');
      return 'done';
    });
    expect(result).toBe('done');
  });

  it('keeps cookies inside a session', async () => {
    await withTestApplication([module], async (t) => {
      const count = async () => (await t.handleRequest('GET', '/count')).response.content;
      expect([await count(), await count()]).toEqual(['1', '1']);
      expect(await t.cookiesSession(async () => [await count(), await count()])).toEqual(['1', '2']);
      expect(await count()).toBe('1');
    });
  });

  it('converses over a WebSocket', async () => {
    const answer = await withTestApplication(module, (t) =>
      t.handleWebSocketConversation('/chat', {}, async (socket) => {
        await socket.send('hello');
        return socket.receive();
      }),
    );
    expect(answer).toBe('HELLO');
  });
});
