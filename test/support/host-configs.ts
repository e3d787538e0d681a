import type { HostConfig } from '#host/config/host-config.js';
import { type HostConfigSource, readHostConfig } from '#host/config/read-host-config.js';
import { TemporaryFolder } from './temporary-folder.js';

/** Reads texts of `host.yaml`, each in a base folder of its own. To be removed behind the tests. */
export class HostConfigs {
  readonly folder = new TemporaryFolder();
  #count = 0;

  /** Throws a `ConfigError` when there is something wrong with it. */
  readonly read = (text: string, source: Partial<HostConfigSource> = {}): HostConfig => {
    const base = this.folder.write(`base-${this.#count++}`, { 'host.yaml': text });
    return readHostConfig({ base, env: {}, ...source });
  };

  remove(): void {
    this.folder.remove();
  }
}
