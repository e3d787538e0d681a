import { AsyncLocalStorage } from 'node:async_hooks';
import { channel } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import type { ExchangeHandler } from '../../exchange/exchange.js';

/**
 * Knows of each call that an application makes through how many others the request has gone that it is made for. The
 * count follows the request as far as Node's asynchronous contexts do; what an application does on its own has none.
 */
export class CallScope {
  readonly #hops = new AsyncLocalStorage<number>();

  constructor() {
    // Node's HTTP server has read the request, and is about to hand it to the application.
    channel('http.server.request.start').subscribe((message) => {
      const { request } = message as { readonly request: IncomingMessage };
      this.#hops.enterWith(numberOf(request.headers['portico-hops']));
    });
  }

  /** Of the request that is being answered; 0 for none. */
  get hops(): number {
    return this.#hops.getStore() ?? 0;
  }

  /** The handler, with every exchange in a scope of its own. */
  around(handle: ExchangeHandler): ExchangeHandler {
    return (exchange) => {
      this.#hops.run(numberOf(exchange.head.fields.get('portico-hops')), handle, exchange);
    };
  }
}

function numberOf(value: string | string[] | undefined): number {
  return typeof value === 'string' && /^\d{1,4}$/.test(value) ? Number(value) : 0;
}
