import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Application } from 'portico';
import { WebSocket } from 'ws';
import { until } from '#test/support/polling.js';
import { socketModule } from '#test/support/socket-module.js';
import { NetworkWebSocket } from '#test/support/web-socket-client.js';

/** A started engine on the network. */
export interface SocketEngine {
  /** `http://127.0.0.1:8080`, with the context path where there is one. */
  readonly url: string;
  readonly running: number;
  stop(graceMs?: number): Promise<void>;
}

/** What every engine that opens sockets must do with WebSockets and events. */
export function webSocketsSuite(
  name: string,
  start: (module: (application: Application) => void) => Promise<SocketEngine>,
): void {
  describe(`WebSockets and events on the engine ${name}`, () => {
    let engine: SocketEngine;
    beforeAll(async () => {
      engine = await start(socketModule);
    });
    afterAll(() => engine.stop());

    it('carries messages of every size both ways', async () => {
      const client = await NetworkWebSocket.open(`${engine.url}/echo/ada`);
      expect(await client.receive()).toBe('hello ada');
      for (const size of [0, 1, 125, 126, 65_535, 65_536, 3_000_000]) {
        const text = 'x'.repeat(size);
        client.socket.send(text);
        expect((await client.receive()) === text).toBe(true);
      }
      client.socket.close(4321, 'bye');
      expect(await client.closed).toBe(4321);
      await until(() => engine.running === 0);
    });

    it('agrees on a sub-protocol and on compression', async () => {
      const client = await NetworkWebSocket.open(`${engine.url}/protocol`, ['a', 'b']);
      expect(await client.receive()).toBe('b');
      expect([client.socket.protocol, client.socket.extensions]).toEqual(['b', 'permessage-deflate']);
      expect(await client.closed).toBe(1000);
    });

    it('waits for a client that does not read, and loses nothing', async () => {
      const client = await NetworkWebSocket.open(`${engine.url}/flood`);
      client.socket.pause();
      await new Promise((resolve) => setTimeout(resolve, 50));
      client.socket.resume();
      for (let i = 0; i < 64; i++) expect((await client.receive()).length).toBe(64 * 1024);
      expect(await client.closed).toBe(1000);
    });

    it.each([
      ['/forbidden', 403],
      ['/nothing', 404],
    ])('answers the handshake at %s in plain HTTP with %i', async (path, status) => {
      const socket = new WebSocket(`${engine.url}${path}`.replace('http', 'ws'));
      const seen = new Promise((resolve) => {
        socket.once('open', () => resolve(101));
        socket.once('unexpected-response', (_request, response) => {
          response.resume();
          resolve(response.statusCode);
        });
      });
      socket.on('error', () => undefined);
      expect(await seen).toBe(status);
      socket.terminate();
    });

    it('answers a plain GET with 400', async () => {
      const response = await fetch(`${engine.url}/protocol`);
      expect([response.status, response.headers.get('upgrade')]).toEqual([400, null]);
    });

    it('sees a client that vanishes', async () => {
      const client = await NetworkWebSocket.open(`${engine.url}/echo/ada`);
      await client.receive();
      client.socket.terminate();
      await until(() => engine.running === 0);
    });

    it('sends events at once, and sees the client leave', async () => {
      const controller = new AbortController();
      const response = await fetch(`${engine.url}/events`, {
        headers: { 'Last-Event-ID': '7' },
        signal: controller.signal,
      });
      expect(response.headers.get('content-type')).toBe('text/event-stream');
      const reader = response.body?.getReader();
      const first = await reader?.read();
      expect(Buffer.from(first?.value ?? []).toString()).toBe('data: after 7\nid: 1\n\n');
      controller.abort();
      await reader?.read().catch(() => undefined);
      await until(() => engine.running === 0);
    });

    it('closes WebSockets with 1001 and ends events when it stops', async () => {
      const client = await NetworkWebSocket.open(`${engine.url}/echo/ada`);
      await client.receive();
      const events = await fetch(`${engine.url}/events`);
      const [, code, text] = await Promise.all([engine.stop(20_000), client.closed, events.text()]);
      expect([code, text.replaceAll(': heartbeat\n\n', '')]).toEqual([
        1001,
        'data: after nothing\nid: 1\n\nretry: 1000\n\n',
      ]);
    });
  });
}
