import type { ApplicationStatus } from '../deployer/application-status.js';
import { forTerminal } from './for-terminal.js';
import { textTable } from './text-table.js';

/** The applications as a text table, one line each, for a terminal. */
export function applicationTable(applications: readonly ApplicationStatus[]): string {
  if (applications.length === 0) return 'no applications: drop a bundle into the apps folder\n';
  const hasHosts = applications.some(({ host }) => host !== undefined);
  const rows = applications.map((application) => [
    ...(hasHosts ? [application.host ?? ''] : []),
    application.path,
    application.name,
    stateOf(application),
    application.kind ?? '',
    application.instances.map(({ pid }) => pid ?? '-').join(' '),
    sizeOf(application.instances.reduce((sum, { rssBytes }) => sum + rssBytes, 0)),
    forTerminal(
      application.reason ??
        application.live?.why ??
        (application.pendingFailure && `not updated: ${application.pendingFailure}`) ??
        '',
    ),
  ]);
  const titles = [...(hasHosts ? ['HOST'] : []), 'PATH', 'NAME', 'STATE', 'KIND', 'PID', 'MEMORY', 'NOTE'];
  return textTable(titles, rows);
}

function stateOf({ state, live, maintenance }: ApplicationStatus): string {
  const role = live === undefined || live.role === 'active' ? '' : `, ${live.role}`;
  return `${state}${role}${maintenance === undefined ? '' : ', maintenance'}`;
}

/** `''` for nothing. */
export function sizeOf(bytes: number): string {
  return bytes === 0 ? '' : `${(bytes / 1024 / 1024).toFixed(0)}MiB`;
}
