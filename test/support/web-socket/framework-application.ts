import { type Application, routing } from 'portico';
import { WebSockets, webSocket } from 'portico/plugins/web-sockets';
import { MAX_MESSAGE_BYTES } from './large-cases.js';

/** A module that sends back what it gets, compressed where the client offers it. */
export function echoes(application: Application): void {
  application.install(WebSockets, (config) => {
    config.maxFrameBytes = MAX_MESSAGE_BYTES;
    config.perMessageDeflate = true;
    config.closeTimeoutMs = 30_000;
  });
  routing(application, (r) => {
    r.get('/', () => 'plain');
    webSocket(r, '/echo', async (session) => {
      for await (const { kind, bytes, text } of session.incoming)
        await session.send(kind === 'text' ? text : bytes);
    });
    webSocket(r, '/protocol', { selectProtocol: (offered) => offered.at(-1) }, async (session) => {
      for await (const _ of session.incoming);
    });
    webSocket(r, '/own-protocol', { selectProtocol: () => 'never-offered' }, async (session) => {
      for await (const _ of session.incoming);
    });
  });
}
