import { setTimeout as delay } from 'node:timers/promises';
import { type Application, routing } from 'portico';
import { WebSockets, webSocket } from 'portico/plugins/web-sockets';

const CHUNK_BYTES = 64 * 1024;

/** A module that sends much, reads late, and keeps account of what it has seen. */
export function traffic(application: Application): void {
  const closes: string[] = [];
  let sentBytes = 0;
  let isReading = false;
  application.install(WebSockets, (config) => {
    config.maxFrameBytes = 4 * 1024 * 1024;
  });
  routing(application, (r) => {
    r.get('/state', () => ({ closes, sentBytes, open: application.plugin(WebSockets).all.size }));
    r.post('/read', () => {
      isReading = true;
      return 'reading';
    });
    webSocket(r, '/echo', async (session) => {
      session.closed.then(({ code, reason }) => closes.push(`${code} ${reason}`));
      for await (const { kind, bytes, text } of session.incoming)
        await session.send(kind === 'text' ? text : bytes);
    });
    webSocket(r, '/flood/{mebibytes}', async (session) => {
      const chunk = Buffer.alloc(CHUNK_BYTES, 'f');
      for (let left = Number(session.parameters.mebibytes) * 1024 * 1024; left > 0; left -= CHUNK_BYTES) {
        await session.send(chunk);
        sentBytes += CHUNK_BYTES;
      }
    });
    webSocket(r, '/sink', async (session) => {
      while (!isReading) await delay(10);
      let total = 0;
      for await (const { bytes, text } of session.incoming) {
        if (text === 'how much?') await session.send(`${total}`);
        total += bytes.length;
      }
    });
  });
}

/** A module whose clients have to answer pings soon. */
export function impatient(application: Application): void {
  application.install(WebSockets, (config) => {
    config.pingPeriodMs = 50;
    config.timeoutMs = 1500;
    config.closeTimeoutMs = 100;
  });
  routing(application, (r) => {
    webSocket(r, '/echo', async (session) => {
      for await (const { text } of session.incoming) await session.send(text);
    });
  });
}
