import { createHash } from 'node:crypto';
import type { Exchange } from '../exchange/exchange.js';
import { parseCookieHeader } from '../http/cookie-header.js';
import type { Mount } from '../runtime/mount.js';
import type { InstanceChannel } from '../runtime/process/instance-channel.js';
import { ProcessRuntime } from '../runtime/process/process-runtime.js';
import { PinningExchange } from './versions/pinning-exchange.js';

/** Name of the cookie that keeps a client on its instance. Its path is the context path. */
const INSTANCE_COOKIE = 'portico-instance';

/**
 * Processes whose clients stay with the one that answered them first, by a cookie. A client whose instance is gone, or cannot
 * take requests now, is a new one. With one instance there is nothing to stay with, and no cookie.
 */
export class StickyRuntime extends ProcessRuntime {
  readonly #pins = new WeakMap<InstanceChannel, string>();

  override handle(exchange: Exchange, mount: Mount, within: string): void {
    if (this.channels.length < 2) {
      super.handle(exchange, mount, within);
      return;
    }
    const wanted = pinsIn(exchange);
    const known = this.channels.find((channel) => channel.isUsable && wanted.has(this.#pinOf(channel)));
    const channel = known ?? this.leastBusy();
    if (channel === undefined || channel === known) super.handle(exchange, mount, within, channel);
    else {
      const pinned = new PinningExchange(exchange, this.#pinOf(channel), mount.path, INSTANCE_COOKIE);
      super.handle(pinned, mount, within, channel);
    }
  }

  /** Made of the secret of the instance, which it does not tell: nobody can make one up. */
  #pinOf(channel: InstanceChannel): string {
    let pin = this.#pins.get(channel);
    if (pin === undefined) {
      const { instance, secret } = channel.endpoint;
      pin = createHash('sha256').update(`${instance} ${secret}`).digest('base64url').slice(0, 22);
      this.#pins.set(channel, pin);
    }
    return pin;
  }
}

function pinsIn(exchange: Exchange): ReadonlySet<string> {
  const cookies = parseCookieHeader(exchange.head.fields.all('cookie'));
  return new Set(cookies.flatMap(([name, value]) => (name === INSTANCE_COOKIE ? [value] : [])));
}
