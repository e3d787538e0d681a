import type { ApplicationCall } from '../../application/application-call.js';
import type { ExchangeHandler } from '../../exchange/exchange.js';
import type { EngineConnector } from '../application-engine.js';
import { BaseEngine, type EngineSettings } from '../base-engine.js';
import { rethrow } from './rethrow.js';
import { TestClient } from './test-client.js';

/** What a test engine is made with. */
export interface TestEngineSettings extends EngineSettings {
  /** Errors that would be a 500 reject the request of the test. Default false. */
  readonly rethrowErrors?: boolean | undefined;
  /** Where the application is reached; only told by `resolvedConnectors`. Default none. */
  readonly connectors?: readonly EngineConnector[] | undefined;
}

/** The engine for tests: no socket, the real pipelines, requests from `client`. */
export class TestApplicationEngine extends BaseEngine {
  /** Answers one exchange; refused before the start and after the stop. Needs no `this`. */
  readonly handle: ExchangeHandler = (exchange) => this.accept(exchange);
  /** Sends every request to this application, whatever host it names. */
  readonly client: TestClient = new TestClient(this.handle);
  readonly #rethrowErrors: boolean;
  readonly #connectors: readonly EngineConnector[];

  constructor(settings: TestEngineSettings) {
    super(settings);
    this.#rethrowErrors = settings.rethrowErrors ?? false;
    this.#connectors = settings.connectors ?? [];
  }

  protected override connectors(): readonly EngineConnector[] {
    return this.#connectors;
  }

  protected override callFailed(call: ApplicationCall, status: number, error: unknown): void {
    if (this.#rethrowErrors) rethrow(call.exchange, status, error);
  }
}
