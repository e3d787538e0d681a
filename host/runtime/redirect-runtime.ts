import type { Exchange } from '../exchange/exchange.js';
import type { Mount, Runtime } from './mount.js';
import { pathWithin } from './path-within.js';
import { answerPlainly } from './plain-answer.js';

/** Where a redirect leads. */
export interface RedirectTarget {
  /** A URL, or a path of the host that was asked; without a slash at the end. */
  readonly to: string;
  readonly status: number;
  /** The rest of the path and the query are kept behind it. */
  readonly keepsPath: boolean;
}

/**
 * A context that has moved. The target is the operator's or the developer's, never the client's. It is given the whole
 * path: nobody has to send `/old` to `/old/` first.
 */
export class RedirectRuntime implements Runtime {
  readonly openExchanges = 0;
  readonly #target: RedirectTarget;

  constructor(target: RedirectTarget) {
    this.#target = target;
  }

  handle(exchange: Exchange, mount: Mount, path: string): void {
    const { to, status, keepsPath } = this.#target;
    const { query } = exchange.head;
    const location = keepsPath
      ? `${to}${pathWithin(path, mount.path)}${query === undefined ? '' : `?${query}`}`
      : to || '/';
    // With an empty target the rest of the path stands alone: `//host` would lead a browser elsewhere.
    if (/^\/[/\\]/.test(location)) answerPlainly(exchange, 400, 'The path of the request is not valid.');
    else answerPlainly(exchange, status, 'This is found elsewhere.', ['location', location]);
  }

  retire(onIdle: () => void): void {
    setImmediate(onIdle);
  }

  revive(): void {
    // Nothing is ever open here, so there is nothing to undo.
  }
}
