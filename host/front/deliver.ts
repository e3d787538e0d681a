import type { Exchange } from '../exchange/exchange.js';
import { pathWithin } from '../runtime/path-within.js';
import { redirectToFolder } from '../runtime/plain-answer.js';
import type { MappedContext } from './mapping.js';

/**
 * Gives a request to the runtime of its context, with the path the application is to see.
 *
 * The context path itself, without the slash: a page there would have its relative links resolved against the parent.
 * The application sees `/` for both, so only we can tell the browser (as Tomcat does). Methods that may carry a body
 * pass: a redirect would lose it. With the prefix kept, the application sees which one it is and decides; a redirect of
 * ours could turn in a circle with one of its own.
 */
export function deliver(exchange: Exchange, mapped: MappedContext): void {
  // What waited for a context to start is counted for the one that answers it.
  exchange.attachment = mapped;
  mapped.deployment?.begin();
  const { method, path, upgrade } = exchange.head;
  if (!mapped.isStripped) {
    mapped.runtime.handle(exchange, mapped, path);
    return;
  }
  if (path.length === mapped.path.length && path.length > 1 && upgrade === undefined) {
    if (method === 'GET' || method === 'HEAD') {
      redirectToFolder(exchange);
      return;
    }
  }
  mapped.runtime.handle(exchange, mapped, pathWithin(path, mapped.path));
}
