import { dryRunOfStart } from '../deployer/plan/dry-run.js';
import type { Foreseen } from '../deployer/plan/foresee.js';
import { inspectCandidate } from '../deployer/plan/inspect-candidate.js';
import { silentLog } from '../log/server-log.js';
import { readRunFile } from '../server/run-file.js';
import { AdminClient } from './admin-client.js';
import { configOf, type OutputOptions } from './base-options.js';
import { forTerminal } from './for-terminal.js';
import { textTable } from './text-table.js';

/**
 * `portico plan`: what would be deployed, replaced, stopped, and why. Asks the host that runs; when none does, it says what
 * a start would do. Changes nothing.
 */
export async function plan(options: OutputOptions): Promise<void> {
  const config = configOf(options);
  const foreseen =
    readRunFile(config.folders.run) === undefined
      ? await dryRunOfStart(config, (candidate) => inspectCandidate(candidate, config), silentLog())
      : await AdminClient.of(config).plan();
  process.stdout.write(options.json ? `${JSON.stringify(foreseen, null, 2)}\n` : planTable(foreseen));
}

/** One line for each name. */
function planTable(foreseen: readonly Foreseen[]): string {
  if (foreseen.length === 0) return 'nothing is deployed, and nothing would be\n';
  return textTable(
    ['ACTION', 'NAME', 'PATH', 'WHY'],
    foreseen.map(({ action, name, place, why }) => [action, forTerminal(name), place, forTerminal(why)]),
  );
}
