import { join } from 'node:path';
import type { SupervisorOptions } from '#host/supervisor/supervisor.js';
import { fixturesFolder } from '#test/support/paths.js';

/** For a supervisor that works in `base` and starts the fixture agent, which does what its deployment's `config` says. */
export function fixtureSupervisor(base: string, logger: SupervisorOptions['logger']): SupervisorOptions {
  return {
    runFolder: join(base, 'run'),
    logsFolder: join(base, 'logs'),
    output: { maxFileBytes: 256 * 1024, keptFiles: 2 },
    logger,
    agentPath: join(fixturesFolder, 'agents/fixture-agent.mjs'),
    statsIntervalMs: 50,
  };
}
