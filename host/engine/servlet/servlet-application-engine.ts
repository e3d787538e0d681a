import {
  type ApplicationEnvironment,
  applicationEnvironment,
  type EnvironmentSettings,
} from '../../application/environment.js';
import type { ExchangeHandler } from '../../exchange/exchange.js';
import type { EngineConnector } from '../application-engine.js';
import { BaseEngine, type EngineSettings } from '../base-engine.js';
import { CONNECTOR_SETTINGS, ENGINE_SETTINGS, settingsAmong } from '../ignored-settings.js';

/** What the container makes the engine with. */
export interface ServletEngineSettings extends Omit<EngineSettings, 'environment'> {
  /** Its root path is replaced by the context path. */
  readonly environment?: EnvironmentSettings | undefined;
  /** `''` for the root context, `/shop` otherwise; becomes the root path of the application. */
  readonly contextPath: string;
  /**
   * `strip` (default): exchanges arrive without the context path, as the front sends them. `keep`: they arrive with
   * it, and routing matches it.
   */
  readonly prefix?: 'strip' | 'keep' | undefined;
  /** The application wants to be stopped (shutdown URL): the container stops it as an operator would, and no other. */
  readonly onShutdownRequest?: (() => void) | undefined;
}

/**
 * The engine inside the container. Owns no socket: the container hands exchanges to `handle` from `start` to `stop`.
 * The root path is the context path. Connector and TLS settings of the application are not in effect here; one log
 * line names them.
 */
export class ServletApplicationEngine extends BaseEngine {
  /** Answers one exchange; refused before the start and after the stop. Needs no `this`. */
  readonly handle: ExchangeHandler = (exchange) => this.accept(exchange);

  readonly #onShutdownRequest: (() => void) | undefined;

  constructor(settings: ServletEngineSettings) {
    super({ ...settings, environment: inContainer(settings) });
    this.#onShutdownRequest = settings.onShutdownRequest;
  }

  /** The process belongs to the container: it is asked. Without one to ask, the application stops and the process stays. */
  protected override shutDown(exitCode: number): void {
    if (this.#onShutdownRequest === undefined) super.shutDown(exitCode);
    else this.#onShutdownRequest();
  }

  protected override open(): Promise<void> {
    const ignored = ignoredSettings(this.environment);
    if (ignored.length > 0)
      this.environment.log.info(
        `Running inside the container; its connectors are used. Not in effect: ${ignored.join(', ')}.`,
      );
    return Promise.resolve();
  }

  protected override connectors(): readonly EngineConnector[] {
    return [];
  }
}

function inContainer({ environment, contextPath, prefix }: ServletEngineSettings): ApplicationEnvironment {
  return applicationEnvironment({
    ...environment,
    rootPath: contextPath,
    isRootPathRemoved: prefix !== 'keep',
  });
}

/** Settings of an application on its own, and of its engine, that mean nothing inside the container. */
const OWN_SETTINGS = [
  'deployment.host',
  'deployment.port',
  'deployment.sslPort',
  'deployment.rootPath',
  'deployment.shutdown.url',
  'deployment.shutdownGracePeriod',
  'deployment.shutdownTimeout',
  ...CONNECTOR_SETTINGS,
  ...ENGINE_SETTINGS,
  'security.ssl',
];

function ignoredSettings(environment: ApplicationEnvironment): readonly string[] {
  const { config, connectors, developmentMode } = environment;
  const wantsDevelopment =
    !developmentMode && config.propertyOrNull('portico.development')?.getString() === 'true';
  const own = settingsAmong(OWN_SETTINGS, config);
  const named = wantsDevelopment ? [...own, 'portico.development (use portico dev)'] : own;
  return connectors.length === 0 ? named : [...named, 'connectors of the environment'];
}
