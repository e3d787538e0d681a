import { printable } from './printable.js';

/** One JSON log line as a line for people: `10:15:02.123 info  deployed application=shop`. */
export function textLine(json: string): string {
  let event: Record<string, unknown>;
  try {
    event = JSON.parse(json) as Record<string, unknown>;
  } catch {
    return `${printable(json.trimEnd())}\n`;
  }
  const { time, level, msg, err, ...rest } = event;
  const parts = [timeOfDay(time), String(level).padEnd(5), printable(String(msg ?? ''))];
  for (const [name, value] of Object.entries(rest)) parts.push(`${name}=${valueText(value)}`);
  if (err !== undefined) parts.push(`error=${errorText(err)}`);
  return `${parts.join(' ')}\n`;
}

function timeOfDay(time: unknown): string {
  return typeof time === 'string' ? time.slice(11, 23) : '';
}

function valueText(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return /^[^\s"=]+$/.test(text) ? printable(text) : JSON.stringify(printable(text));
}

/** Our own errors say enough by their message; of others the stack is needed. */
function errorText(err: unknown): string {
  if (typeof err !== 'object' || err === null) return valueText(err);
  const { code, message, stack } = err as Record<string, unknown>;
  const isOurs = typeof code === 'string' && code.startsWith('PORTICO_');
  return JSON.stringify(printable(String(isOurs ? message : (stack ?? message))));
}
