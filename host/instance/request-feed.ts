import type { Exchange, RequestListener } from '../exchange/exchange.js';
import type { FieldBlock } from '../http/field-block.js';
import type { VirtualConnection } from './virtual-connection.js';

/** Brings the signals of one exchange to its connection; late ones of an earlier exchange are recognised. */
export class RequestFeed implements RequestListener {
  readonly #connection: VirtualConnection;
  readonly #exchange: Exchange;

  constructor(connection: VirtualConnection, exchange: Exchange) {
    this.#connection = connection;
    this.#exchange = exchange;
  }

  data(chunk: Buffer): void {
    this.#connection.feedData(this.#exchange, chunk);
  }

  end(trailers: FieldBlock | undefined): void {
    this.#connection.feedEnd(this.#exchange, trailers);
  }

  drain(): void {
    this.#connection.feedDrain(this.#exchange);
  }

  aborted(): void {
    this.#connection.feedAborted(this.#exchange);
  }
}
