import { resolve } from 'node:path';
import type { Module } from '../../application/application.js';
import type { ApplicationEnvironment } from '../../application/environment.js';
import type { EngineSettings } from '../base-engine.js';
import { configuredModules, startupSettings } from '../modules/configured-modules.js';

/**
 * What an application under test is run with, as an embedded server would: the modules that its configuration names,
 * then the given ones, started as the configuration says. `folder`: where references to modules start from.
 */
export function testEngineSettings(
  environment: ApplicationEnvironment,
  given: readonly Module[],
  folder = '.',
): EngineSettings {
  const { config } = environment;
  const from = resolve(folder);
  return {
    environment,
    modules: (generation) => [...configuredModules(config, from, generation), ...given],
    ...startupSettings(config),
  };
}
