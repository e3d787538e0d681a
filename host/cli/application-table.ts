import type { ApplicationStatus } from '../deployer/application-status.js';
import { forTerminal } from './for-terminal.js';

/** The applications as a text table, one line each, for a terminal. */
export function applicationTable(applications: readonly ApplicationStatus[]): string {
  if (applications.length === 0) return 'no applications: drop a bundle into the apps folder\n';
  const hasHosts = applications.some(({ host }) => host !== undefined);
  const rows = applications.map((application) => [
    ...(hasHosts ? [application.host ?? ''] : []),
    application.path,
    application.name,
    application.live === undefined || application.live.role === 'active'
      ? application.state
      : `${application.state}, ${application.live.role}`,
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
  const header = [...(hasHosts ? ['HOST'] : []), 'PATH', 'NAME', 'STATE', 'KIND', 'PID', 'MEMORY', 'NOTE'];
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return [header, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** `''` for nothing. */
export function sizeOf(bytes: number): string {
  return bytes === 0 ? '' : `${(bytes / 1024 / 1024).toFixed(0)}MiB`;
}
