import type { Exchange } from '../exchange/exchange.js';
import type { Runtime } from './mount.js';
import { wantsHtml } from './plain-answer.js';

/**
 * A context that could not be started, on a host for developers: 500 with a page that says why. It may tell what the
 * application threw; other hosts never use it.
 */
export class ErrorPageRuntime implements Runtime {
  readonly openExchanges = 0;
  readonly #page: { readonly html: string; readonly text: string };

  constructor(page: { readonly html: string; readonly text: string }) {
    this.#page = page;
  }

  handle(exchange: Exchange): void {
    const isHtml = wantsHtml(exchange);
    const type = isHtml ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8';
    const fields = ['content-type', type, 'cache-control', 'no-store', 'x-content-type-options', 'nosniff'];
    exchange.respond(500, fields, isHtml ? this.#page.html : this.#page.text);
  }

  retire(onIdle: () => void): void {
    setImmediate(onIdle);
  }

  revive(): void {
    // Nothing is ever open here, so there is nothing to undo.
  }
}
