import type { Exchange } from '../../exchange/exchange.js';
import { WrappedExchange } from '../../exchange/wrapped-exchange.js';
import { FieldBlock, type Fields } from '../../http/field-block.js';
import { type MountPoint, withoutContextPath } from '../../instance/context-path-fields.js';

/**
 * A call as the caller sees it: the paths of the application begin at the name of its host, so the context path is taken
 * out of the fields of the answer that name one. Everything else is that of the exchange below.
 */
export class CalledExchange extends WrappedExchange {
  readonly #mount: MountPoint;

  /** `contextPath` is not `''`. */
  constructor(inner: Exchange, contextPath: string) {
    super(inner);
    const { authority, fields } = inner.head;
    this.#mount = { contextPath, authority, fields };
  }

  override respond(status: number, fields: Fields, body: string | Uint8Array | undefined): void {
    super.respond(status, this.#outside(fields), body);
  }

  override begin(status: number, fields: Fields): void {
    super.begin(status, this.#outside(fields));
  }

  #outside(fields: Fields): Fields {
    const block = fields instanceof FieldBlock ? fields : FieldBlock.of(fields);
    if (!PATH_FIELDS.some((name) => block.has(name))) return fields;
    const flat = block.flat();
    for (let i = 0; i + 1 < flat.length; i += 2)
      flat[i + 1] = withoutContextPath((flat[i] as string).toLowerCase(), flat[i + 1] as string, this.#mount);
    return flat;
  }
}

const PATH_FIELDS = ['location', 'content-location', 'refresh', 'set-cookie'] as const;
