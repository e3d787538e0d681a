import { createServer, type Server } from 'node:http';
import { AbortReason, type Exchange } from '../../exchange/exchange.js';
import { VirtualConnections } from '../../instance/virtual-connections.js';
import type { Departure } from '../../lifecycle/departure.js';
import type { Mount, Runtime } from '../mount.js';
import { answerAborted } from '../plain-answer.js';
import type { LineLimits } from '../waiting-line.js';
import type { ForwardingLimits } from './forwarding-proxy.js';
import { RelocatedExchange } from './relocated-exchange.js';
import { type UpstreamFailures, UpstreamPool } from './upstream-pool.js';

/** What a route says about a deployment that is one or several URLs. */
export interface UpstreamSettings {
  /** `http://127.0.0.1:9000` or `https://…`, with or without a path, or `unix:/path` of a Unix socket; at least one. */
  readonly urls: readonly string[];
  /** Context path that is stripped from the requests; `''` when they keep it. */
  readonly strippedPath: string;
  /** How long tunnels of a retired deployment get between the request to close and the cut. */
  readonly tunnelCloseMs: number;
  /** What differs from the defaults. */
  readonly limits?: Partial<ForwardingLimits>;
  /** As in the route. */
  readonly queue?: LineLimits | undefined;
  /** Told several times a second at most, for the operator. */
  readonly onFailures?: (failures: readonly UpstreamFailures[]) => void;
}

/**
 * Servers elsewhere as a context. Exchanges become genuine requests of Node's HTTP server on virtual connections, the
 * way applications get them, and are forwarded from there; so the context-path contract (`X-Forwarded-Prefix`,
 * `Location`, cookie paths) is the same as for an application. Owned by the front.
 */
export class UpstreamRuntime implements Runtime {
  readonly #settings: UpstreamSettings;
  readonly #server: Server;
  readonly #connections: VirtualConnections;
  readonly #pool: UpstreamPool;
  readonly #tunnels = new Set<RelocatedExchange>();
  readonly #streams = new Set<RelocatedExchange>();
  #open = 0;
  /** Undefined: it is not retired. */
  #departure: Departure | undefined;
  #onIdle: (() => void) | undefined;
  #tunnelsEndAt = Number.POSITIVE_INFINITY;

  constructor(settings: UpstreamSettings) {
    this.#settings = settings;
    this.#pool = new UpstreamPool(settings.urls, settings.limits, settings.queue);
    // Timeouts and sizes are limits of the connector, which has checked them before.
    this.#server = createServer({
      keepAliveTimeout: 0,
      headersTimeout: 0,
      requestTimeout: 0,
      maxHeaderSize: 1 << 20,
    });
    this.#server.on('request', (incoming, response) => this.#pool.web(incoming, response));
    this.#server.on('upgrade', (incoming, socket, head) => this.#pool.upgrade(incoming, socket, head));
    // It has no port; its connections are virtual.
    Object.defineProperty(this.#server, 'listening', { value: true });
    const { strippedPath } = settings;
    this.#connections = new VirtualConnections(this.#server, {
      contextPath: strippedPath,
      isStripped: strippedPath !== '',
    });
  }

  /** From now on requests go to these only. */
  use(urls: readonly string[]): void {
    this.#pool.use(urls);
  }

  get openExchanges(): number {
    return this.#open;
  }

  handle(exchange: Exchange, mount: Mount, within: string): void {
    const { maxBodyBytes } = mount;
    if (maxBodyBytes > 0 && exchange.head.bodyLength > maxBodyBytes) {
      mount.counters.tooLargeBodies++;
      answerAborted(exchange, AbortReason.BODY_TOO_LARGE);
      return;
    }
    this.#open++;
    const relocated: RelocatedExchange = new RelocatedExchange(exchange, within, maxBodyBytes, {
      tunnelled: () => {
        mount.counters.tunnels++;
        if (mount.deployment !== undefined) mount.deployment.tunnels++;
        this.#tunnels.add(relocated);
        if (this.#departure !== undefined) relocated.goAway(this.#departure);
      },
      streaming: () => {
        this.#streams.add(relocated);
        if (this.#departure !== undefined) relocated.goAway(this.#departure);
      },
      bodyTooLarge: () => {
        mount.counters.tooLargeBodies++;
      },
      broken: () => {
        if (this.#departure !== undefined) mount.deployment?.doom?.(exchange.head);
      },
      over: () => {
        this.#streams.delete(relocated);
        if (this.#tunnels.delete(relocated)) {
          mount.counters.tunnels--;
          if (mount.deployment !== undefined) mount.deployment.tunnels--;
        }
        this.#open--;
        if (this.#open === 0 && this.#onIdle !== undefined) setImmediate(this.#announceIdle);
      },
    });
    this.#connections.handle(relocated);
  }

  retire(onIdle: () => void, departure: Departure): void {
    this.#departure = departure;
    this.#onIdle = onIdle;
    this.#tunnelsEndAt = performance.now() + this.#settings.tunnelCloseMs;
    for (const leaving of [...this.#tunnels, ...this.#streams]) leaving.goAway(departure);
    if (this.#open === 0) setImmediate(this.#announceIdle);
  }

  revive(): void {
    this.#departure = undefined;
    this.#onIdle = undefined;
    this.#tunnelsEndAt = Number.POSITIVE_INFINITY;
  }

  sweep(now: number): void {
    const failures = this.#pool.takeFailures();
    if (failures.length > 0) this.#settings.onFailures?.(failures);
    if (now < this.#tunnelsEndAt) return;
    for (const tunnel of this.#tunnels) tunnel.abort(AbortReason.CANCELLED);
  }

  close(): void {
    this.#connections.destroy();
    this.#pool.close();
  }

  readonly #announceIdle = (): void => {
    const onIdle = this.#onIdle;
    if (onIdle === undefined || this.#open > 0) return;
    this.#onIdle = undefined;
    onIdle();
  };
}
