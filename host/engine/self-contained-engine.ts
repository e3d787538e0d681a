import type { Server } from 'node:net';
import { type ConnectorLimits, DEFAULT_CONNECTOR_LIMITS } from '../config/connector-limits.js';
import { type RequestSettings, STRICT_REQUESTS } from '../config/request-settings.js';
import { listenError } from '../listen-error.js';
import type { EngineConnector } from './application-engine.js';
import { BaseEngine, type EngineSettings } from './base-engine.js';
import { checkLimits, withTlsErrors } from './check-settings.js';
import {
  type CompleteConnector,
  type ConnectorSettings,
  completeConnector,
  connectorUrl,
} from './connector-settings.js';
import { registerShutdownHook } from './shutdown-hook.js';

/** Where and how an engine accepts connections itself. */
export interface SelfContainedSettings extends EngineSettings {
  /** All addresses; none: those of the environment, and without such either, one on port 80. */
  readonly connectors: readonly ConnectorSettings[];
  /** What differs from the default limits; the same for all connectors. */
  readonly limits?: Partial<ConnectorLimits> | undefined;
  /** Strict rules that the application takes over; by default none. */
  readonly request?: Partial<RequestSettings> | undefined;
  /** HTTP/2 with TLS, where the client offers it in the handshake; default true. False: no HTTP/2 at all. */
  readonly enableHttp2?: boolean | undefined;
  /** HTTP/2 without TLS too, for clients that begin with it; `Upgrade: h2c` is not supported. Default false. */
  readonly enableH2c?: boolean | undefined;
  /** Stop at SIGTERM and SIGINT, then end the process; see `registerShutdownHook`. Default false. */
  readonly shutdownHook?: boolean | undefined;
}

/** An address with the server that listens on it. */
interface OpenConnector {
  readonly connector: CompleteConnector;
  readonly server: Server;
}

/**
 * An engine that opens its own sockets, in the process of the application. Owns them from `start` to `stop`, and the
 * hook that stops it when the process is told to end.
 */
export abstract class SelfContainedEngine extends BaseEngine {
  protected readonly limits: ConnectorLimits;
  protected readonly request: RequestSettings;
  readonly #connectors: readonly CompleteConnector[];
  readonly #hasHook: boolean;
  readonly #servers: OpenConnector[] = [];
  #hasBegun = false;
  #removeHook: () => void = () => undefined;
  #exitCode: number | undefined;

  constructor(settings: SelfContainedSettings) {
    super(settings);
    checkLimits(settings.limits ?? {});
    this.limits = { ...DEFAULT_CONNECTOR_LIMITS, ...settings.limits };
    this.request = { ...STRICT_REQUESTS, ...settings.request };
    const { connectors, environment } = settings;
    const asked: readonly ConnectorSettings[] = connectors.length > 0 ? connectors : environment.connectors;
    this.#connectors = (asked.length > 0 ? asked : [{}]).map(completeConnector);
    this.#hasHook = settings.shutdownHook ?? false;
  }

  override async start(options?: { readonly wait?: boolean }): Promise<void> {
    // A second start fails, and takes nothing away from the first.
    if (this.#hasBegun) return super.start(options);
    this.#hasBegun = true;
    if (this.#hasHook) this.#removeHook = registerShutdownHook(this);
    try {
      await super.start(options);
    } catch (error) {
      this.#removeHook();
      throw error;
    }
  }

  /** For the hook. */
  async stopForExit(): Promise<boolean> {
    await this.stop();
    return !this.hasCut;
  }

  /** Makes the server of one connector; connections are accepted as soon as it listens. */
  protected abstract createServer(connector: CompleteConnector): Server;
  /** Lets go of the connections of all servers: idle ones now, busy ones behind their answer, all by `timeoutMs`. */
  protected abstract drain(timeoutMs: number): void;
  /** Ends the connections that are left. */
  protected abstract destroyConnections(timeoutMs: number): Promise<void>;

  /** Opens all connectors or none. Rejects with `PORTICO_PORT_IN_USE` and the other codes of `listenError`. */
  protected override async open(): Promise<void> {
    try {
      for (const connector of this.#connectors) {
        const address = `${connector.host}:${connector.port}`;
        const server = withTlsErrors(address, () => this.createServer(connector));
        await listen(server, connector);
        this.#servers.push({ connector, server });
      }
    } catch (error) {
      for (const { server } of this.#servers.splice(0)) server.close();
      // Somebody may have connected to the first of them already.
      this.drain(0);
      await this.destroyConnections(0);
      throw error;
    }
    for (const connector of this.connectors())
      this.environment.log.info(`Responding at ${connectorUrl(connector)}`);
  }

  protected override close(timeoutMs: number): Promise<void> {
    for (const { server } of this.#servers) server.close();
    this.drain(timeoutMs);
    return Promise.resolve();
  }

  protected override async cut(timeoutMs: number): Promise<void> {
    await this.destroyConnections(timeoutMs);
    this.#removeHook();
  }

  protected override connectors(): readonly EngineConnector[] {
    return this.#servers.flatMap(({ connector, server }) => {
      const address = server.address();
      if (address === null || typeof address === 'string') return [];
      const scheme = connector.tls === undefined ? 'http' : 'https';
      return [{ scheme, host: connector.host, port: address.port } as const];
    });
  }

  /** The process is this application: it ends with it. */
  protected override shutDown(exitCode: number): void {
    if (this.#exitCode !== undefined) return;
    this.#exitCode = exitCode;
    void this.stop().then(() => process.exit(exitCode));
  }
}

function listen(server: Server, { host, port }: CompleteConnector): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (cause: NodeJS.ErrnoException): void =>
      reject(listenError('The engine', 'port', host, port, cause.code ?? cause.message, { cause }));
    server.once('error', onError);
    server.listen(port, host, () => {
      server.off('error', onError);
      resolve();
    });
  });
}
