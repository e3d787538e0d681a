import { type ShutDownUrlSettings, shutDownUrlHandler } from '../application/shut-down-url.js';
import { type ApplicationPlugin, createApplicationPlugin } from '../plugin/create-plugin.js';

/** What `ShutDownUrl` goes by. */
export class ShutDownUrlConfig implements ShutDownUrlSettings {
  /** Path of the application, with its query if it shall have one; the whole is compared. Default `/portico/application/shutdown`. */
  url = '/portico/application/shutdown';
  /** Exit code of the process, where it is the application's own. What throws is 1. Default 0. */
  exitCode: () => number = () => 0;
}

/**
 * Plugin: any request for one URL is answered with 410, then the application stops: StopPreparing, Stopping, Stopped, the end
 * of the process. Inside the container only this application stops, as if an operator had done it. It runs in the phase
 * Plugins: what must guard it (an address, a token) is installed before it. Whoever knows the URL can stop the application.
 *
 * ```ts
 * application.install(ShutDownUrl, (config) => { config.url = '/stop?key=7c1e'; });
 * ```
 */
export const ShutDownUrl: ApplicationPlugin<ShutDownUrlConfig, void> = createApplicationPlugin(
  'ShutDownUrl',
  {
    createConfig: () => new ShutDownUrlConfig(),
    install(plugin) {
      plugin.onCall(shutDownUrlHandler(plugin.config));
    },
  },
);
