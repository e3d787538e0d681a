import { type Application, ApplicationCallPipeline, HttpError, routing } from 'portico';
import { SSE, sse } from '#host/plugins/sse.js';
import { WebSockets, webSocket } from '#host/plugins/web-sockets.js';

/** The application that every engine must serve WebSockets and events of alike. */
export function socketModule(application: Application): void {
  application.install(WebSockets, (config) => {
    config.maxFrameBytes = 4 * 1024 * 1024;
    config.perMessageDeflate = true;
  });
  application.install(SSE, (config) => {
    // A client that leaves is noticed when something is sent.
    config.heartbeatMs = 100;
  });
  routing(application, (r) => {
    const forbidden = r.route('/forbidden');
    forbidden.intercept(ApplicationCallPipeline.Validators, () => {
      throw new HttpError(403, 'TEST_FORBIDDEN', 'no');
    });
    webSocket(forbidden, () => undefined);
    webSocket(r, '/echo/{name}', async (session) => {
      await session.send(`hello ${session.parameters.name}`);
      for await (const message of session.incoming)
        await session.send(message.kind === 'text' ? message.text : message.bytes);
    });
    webSocket(r, '/protocol', { selectProtocol: (offered) => offered.at(-1) }, (session) =>
      session.send(session.protocol),
    );
    webSocket(r, '/flood', async (session) => {
      for (let i = 0; i < 64; i++) await session.send(Buffer.alloc(64 * 1024, i));
    });
    sse(r, '/events', async (session) => {
      await session.send({ id: '1', data: `after ${session.lastEventId ?? 'nothing'}` });
      await new Promise<void>((resolve) => session.signal.addEventListener('abort', () => resolve()));
    });
  });
}
