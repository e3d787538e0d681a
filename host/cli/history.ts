import type { DeploymentView } from '../deployer/history/deployment-view.js';
import { drainText } from '../front/drains/drain-report.js';
import { AdminClient } from './admin-client.js';
import { configOf, type OutputOptions } from './base-options.js';
import { forTerminal } from './for-terminal.js';
import { textTable } from './text-table.js';

/** `portico history NAME`: the deployments of one application, newest first, with the time of each step. */
export async function history(name: string, options: OutputOptions): Promise<void> {
  const deployments = await AdminClient.of(configOf(options)).deployments(name);
  process.stdout.write(
    options.json ? `${JSON.stringify(deployments, null, 2)}\n` : historyTable(deployments),
  );
}

/** One line for each deployment; a star stands where the content is kept, so that it can be rolled back to. */
function historyTable(deployments: readonly DeploymentView[]): string {
  if (deployments.length === 0) return 'nothing has been deployed yet\n';
  return textTable(
    ['NUMBER', 'KEPT', 'CONTENT', 'STATE', 'BY', 'BEGAN', 'STEPS', 'NOTE'],
    deployments.map((one) => [
      String(one.number),
      one.isKept ? '*' : '',
      one.fingerprint?.slice(0, 12) ?? '',
      one.step,
      one.trigger,
      one.steps[0]?.at ?? '',
      one.steps.map(({ step, ms }, index) => (index === 0 ? step : `${step} +${ms}ms`)).join(', '),
      forTerminal(noteOf(one)),
    ]),
  );
}

function noteOf({ cause, isPinned, drained }: DeploymentView): string {
  const notes = cause === undefined ? [] : [cause];
  if (cause === undefined && isPinned) notes.push('rolled back to; stays until the files change');
  if (drained !== undefined) notes.push(`drained: ${drainText(drained)}`);
  return notes.join('; ');
}
