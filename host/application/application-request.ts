import type { RequestHead } from '../exchange/exchange.js';
import type { TlsInfo } from '../exchange/tls-info.js';
import { lowerCaseName } from '../http/lower-case.js';
import type { ApplicationCall } from './application-call.js';
import { ConnectionPoint } from './connection-point.js';
import type { Parameters } from './parameters.js';
import { parseQuery } from './query.js';
import { RequestCookies } from './request-cookies.js';
import { RequestHeaders } from './request-headers.js';

/** What was asked for. Everything is read from the head when it is asked for, and kept where that pays. */
export class ApplicationRequest {
  readonly call: ApplicationCall;
  readonly #head: RequestHead;
  #headers: RequestHeaders | undefined;
  #origin: ConnectionPoint | undefined;
  #local: ConnectionPoint | undefined;
  #queryParameters: Parameters | undefined;
  #cookies: RequestCookies | undefined;

  constructor(call: ApplicationCall, head: RequestHead) {
    this.call = call;
    this.#head = head;
  }

  /** As the client sent it, in its case. Plugins may have `call.method` changed; this one stays. */
  get method(): string {
    return this.#head.method;
  }

  /** Canonical path as the client sees it, with the root path, percent-encoded. Routes see `call.localPath`. */
  get path(): string {
    const { environment } = this.call.application;
    return environment.isRootPathRemoved ? environment.rootPath + this.#head.path : this.#head.path;
  }

  /** Path and query as the client sees them. */
  get uri(): string {
    const { query } = this.#head;
    return query === undefined ? this.path : `${this.path}?${query}`;
  }

  /** Last element of the path: `1` of `/items/1`. */
  get document(): string {
    return this.path.slice(this.path.lastIndexOf('/') + 1);
  }

  /** Query as sent, without `?`; `''` when there is none. */
  get queryString(): string {
    return this.#head.query ?? '';
  }

  get queryParameters(): Parameters {
    this.#queryParameters ??= parseQuery(this.#head.query);
    return this.#queryParameters;
  }

  /** Who asked whom, as plugins of trusted proxies have it; they MAY change it. */
  get origin(): ConnectionPoint {
    this.#origin ??= new ConnectionPoint(this.#head);
    return this.#origin;
  }

  /** Who asked whom, as the connector saw it. */
  get local(): Readonly<ConnectionPoint> {
    this.#local ??= new ConnectionPoint(this.#head);
    return this.#local;
  }

  get headers(): RequestHeaders {
    this.#headers ??= new RequestHeaders(this.#head.flat ?? this.#head.fields);
    return this.#headers;
  }

  /** First value of a header field. */
  header(name: string): string | undefined {
    if (this.#headers !== undefined || this.#head.flat !== undefined) return this.headers.get(name);
    return this.#head.fields.get(lowerCaseName(name));
  }

  /** For plugins: replaces all lines of this name by one, or removes them. Everybody behind sees only that. */
  replaceHeader(name: string, value: string | undefined): void {
    const lower = name.toLowerCase();
    const kept = this.headers.toFlat().flatMap((text, index, flat) => {
      const at = index - (index % 2);
      return flat[at]?.toLowerCase() === lower ? [] : [text];
    });
    this.#headers = new RequestHeaders(value === undefined ? kept : [...kept, name, value]);
    if (lower === 'cookie') this.#cookies = undefined;
  }

  /** Cookies by name, values decoded. */
  get cookies(): RequestCookies {
    this.#cookies ??= new RequestCookies(this.headers.getAll('cookie'));
    return this.#cookies;
  }

  /** Value of Content-Type as sent. */
  get contentType(): string | undefined {
    return this.header('content-type');
  }

  /** Bytes of the body; undefined when not known in advance. */
  get contentLength(): number | undefined {
    return this.#head.bodyLength < 0 ? undefined : this.#head.bodyLength;
  }

  /** HTTP version the client speaks: `1.0`, `1.1`, `2.0`. */
  get version(): string {
    return this.#head.version;
  }

  /** `https` or `http`, as the connection to the connector has it. */
  get scheme(): 'http' | 'https' {
    return this.#head.connection.isSecure ? 'https' : 'http';
  }

  /**
   * What TLS tells of the connection to the connector: protocol, cipher suite, server name, and the certificate of the
   * client where the connector asks for one. Undefined without TLS, and where a proxy in front ended it.
   */
  get tls(): TlsInfo | undefined {
    return this.#head.connection.tls;
  }

  /** Host and port as the client named them, in lower case. */
  get authority(): string {
    return this.#head.authority;
  }

  get remoteAddress(): string {
    return this.#head.connection.remoteAddress;
  }

  get remotePort(): number {
    return this.#head.connection.remotePort;
  }

  get localPort(): number {
    return this.#head.connection.localPort;
  }
}
