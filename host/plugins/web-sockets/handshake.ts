import type { IncomingMessage } from 'node:http';
import { type WebSocket, WebSocketServer } from 'ws';
import type { ApplicationCall } from '../../application/application-call.js';
import { BadRequestError, HttpError } from '../../application/http-errors.js';
import type { WebSocketsConfig } from './config.js';
import { acceptableDeflate, parseExtensions } from './deflate-offer.js';
import { HandshakeSocket } from './handshake-socket.js';

/** A handshake that is agreed on; the connection is still to come. */
export interface Handshake {
  readonly webSocket: WebSocket;
  /** To be joined with the tunnel, or destroyed. */
  readonly socket: HandshakeSocket;
  /** Header lines of the 101, flat. */
  readonly headers: readonly string[];
}

/** Chooses one of the sub-protocols that a client offers; undefined for none of them. */
export type SelectProtocol = (offered: readonly string[], call: ApplicationCall) => string | undefined;

/** Makes the server's half of opening handshakes (RFC 6455 §4.2). Shared by all sessions of an application. */
export class Handshaker {
  readonly #server: WebSocketServer;
  /** Set while `begin` runs: `ws` calls back before it returns. */
  #selectProtocol: (offered: Set<string>) => string | false = () => false;
  #headers: string[] = [];
  #failure: Error | undefined;

  constructor(config: WebSocketsConfig) {
    const { perMessageDeflate } = config;
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: config.maxFrameBytes,
      maxFragments: config.maxFragments,
      perMessageDeflate:
        typeof perMessageDeflate === 'object'
          ? { threshold: perMessageDeflate.thresholdBytes }
          : perMessageDeflate,
      handleProtocols: (offered) => this.#selectProtocol(offered),
      // By Pongs.
      autoPong: false,
      // Known to ws, not to its types.
      ...{ closeTimeout: config.closeTimeoutMs },
    });
    this.#server.on('headers', (lines) => {
      this.#headers = lines;
    });
    // With a listener, ws leaves the answer to us.
    this.#server.on('wsClientError', (error) => {
      this.#failure = error;
    });
  }

  /** A request that is no valid handshake is 400, another version of the protocol 426. */
  begin(call: ApplicationCall, selectProtocol: SelectProtocol | undefined): Handshake {
    const { fields } = call.exchange.head;
    const versions = fields.all('sec-websocket-version');
    // RFC 6455 §11.3.1, §11.3.5: neither may be there twice.
    if (versions.length > 1 || fields.all('sec-websocket-key').length > 1)
      throw badHandshake('Sec-WebSocket-Key or Sec-WebSocket-Version is there twice.');
    if (versions[0] !== '13') {
      // RFC 6455 §4.4: the client learns which version would do.
      call.response.headers.set('Sec-WebSocket-Version', '13');
      throw new HttpError(
        426,
        'PORTICO_WEB_SOCKET_HANDSHAKE',
        'Only version 13 of WebSocket is spoken here.',
      );
    }
    const extensions = joined(fields.all('sec-websocket-extensions'));
    const offers = extensions === undefined ? [] : parseExtensions(extensions);
    if (offers === undefined) throw badHandshake('Sec-WebSocket-Extensions is no list of extensions.');
    const request = {
      method: 'GET',
      headers: {
        upgrade: 'websocket',
        'sec-websocket-key': fields.get('sec-websocket-key'),
        'sec-websocket-version': '13',
        'sec-websocket-protocol': joined(fields.all('sec-websocket-protocol')),
        'sec-websocket-extensions': acceptableDeflate(offers),
      },
    } as unknown as IncomingMessage;
    this.#selectProtocol = (offered) => {
      const chosen = selectProtocol?.([...offered], call);
      // RFC 6455 §4.2.2: a client must fail on a protocol that it has not offered.
      return chosen !== undefined && offered.has(chosen) ? chosen : false;
    };
    this.#failure = undefined;
    const socket = new HandshakeSocket();
    let webSocket: WebSocket | undefined;
    this.#server.handleUpgrade(request, socket, Buffer.alloc(0), (made) => {
      webSocket = made;
    });
    if (webSocket !== undefined) return { webSocket, socket, headers: flat(this.#headers) };
    socket.destroy();
    throw badHandshake(
      (this.#failure as Error | undefined)?.message ?? 'Bad WebSocket handshake.',
      this.#failure,
    );
  }
}

function badHandshake(message: string, cause?: Error): BadRequestError {
  return new BadRequestError(message, { code: 'PORTICO_WEB_SOCKET_HANDSHAKE', cause });
}

function joined(values: readonly string[]): string | undefined {
  return values.length === 0 ? undefined : values.join(', ');
}

/** The lines of ws without those that the connector writes. */
function flat(lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    const match = /^(Sec-WebSocket-[A-Za-z]+): (.*)$/.exec(line);
    return match === null ? [] : [match[1] ?? '', match[2] ?? ''];
  });
}
