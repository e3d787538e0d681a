import type { ExchangeHandler } from '#host/exchange/exchange.js';
import { ExchangeClient } from '#host/exchange/exchange-client.js';
import { ExchangeServer } from '#host/exchange/exchange-server.js';
import { SECRET, temporarySocket } from './ends.js';

/** The end of a front and the end of an instance, connected in this process. Whoever opens them closes them. */
export class ConnectedEnds {
  readonly server: ExchangeServer;
  client: ExchangeClient;
  readonly #socket: ReturnType<typeof temporarySocket>;

  private constructor(
    server: ExchangeServer,
    client: ExchangeClient,
    socket: ReturnType<typeof temporarySocket>,
  ) {
    this.server = server;
    this.client = client;
    this.#socket = socket;
  }

  static async open(handler: ExchangeHandler): Promise<ConnectedEnds> {
    const socket = temporarySocket();
    const server = new ExchangeServer({ socketPath: socket.path, secret: SECRET, handler });
    await server.listen();
    return new ConnectedEnds(server, await connect(socket.path), socket);
  }

  /** Another connection of the front in the place of this one. */
  async reconnect(): Promise<void> {
    this.client.close();
    this.client = await connect(this.#socket.path);
  }

  async close(): Promise<void> {
    this.client.close();
    await this.server.close(1000);
    this.#socket.remove();
  }
}

function connect(socketPath: string): Promise<ExchangeClient> {
  return ExchangeClient.connect({ socketPath, secret: SECRET, onClosed: () => undefined });
}
