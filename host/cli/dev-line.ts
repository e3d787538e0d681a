import { printable } from '../log/printable.js';

/** Events of the server's log that a developer does not look for. */
const QUIET: ReadonlySet<unknown> = new Set(['admin', 'watching', 'ready']);

/** One line of the server's log, as JSON, in the few words a developer wants; '' for what is left out. */
export function devLine(json: string): string {
  let event: Record<string, unknown>;
  try {
    event = JSON.parse(json) as Record<string, unknown>;
  } catch {
    return `${printable(json.trimEnd())}\n`;
  }
  const { level, msg, event: name } = event;
  if (level === 'info' && QUIET.has(name)) return '';
  const mark = level === 'info' ? '' : `${String(level)}: `;
  return `${mark}${printable(String(msg ?? ''))}\n`;
}
