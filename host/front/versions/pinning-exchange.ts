import type { Exchange } from '../../exchange/exchange.js';
import { WrappedExchange } from '../../exchange/wrapped-exchange.js';
import { FieldBlock, type Fields } from '../../http/field-block.js';
import { renderSetCookie } from '../../http/set-cookie.js';
import { PIN_COOKIE } from './choose-version.js';

/**
 * An exchange whose response tells the client to stay with its version, by a cookie that lasts as long as the browser is
 * open. An answer that failed gets none, nor does one that shared caches keep: they would hand the cookie to everybody
 * (RFC 9111 §7.3). Everything else is that of the exchange below.
 */
export class PinningExchange extends WrappedExchange {
  readonly #pin: string;
  readonly #path: string;
  readonly #name: string;

  /** `path` is the context path, `name` that of the cookie. */
  constructor(inner: Exchange, pin: string, path: string, name = PIN_COOKIE) {
    super(inner);
    this.#pin = pin;
    this.#path = path;
    this.#name = name;
  }

  override respond(status: number, fields: Fields, body: string | Uint8Array | undefined): void {
    super.respond(status, this.#withPin(status, fields), body);
  }

  override begin(status: number, fields: Fields): void {
    super.begin(status, this.#withPin(status, fields));
  }

  #withPin(status: number, fields: Fields): Fields {
    if (status >= 500 || isShared(fields)) return fields;
    const cookie = renderSetCookie({
      name: this.#name,
      value: this.#pin,
      encoding: 'raw',
      path: this.#path === '' ? '/' : this.#path,
      httpOnly: true,
      sameSite: 'lax',
      secure: this.head.connection.isSecure,
    });
    return [...(fields instanceof FieldBlock ? fields.flat() : fields), 'set-cookie', cookie];
  }
}

/** Caches that serve many clients may keep it (RFC 9111 §5.2.2). */
function isShared(fields: Fields): boolean {
  const block = fields instanceof FieldBlock ? fields : FieldBlock.of(fields);
  return block.all('cache-control').some((value) => /\bpublic\b|\bs-maxage\b/i.test(value));
}
