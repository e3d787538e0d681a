import { PorticoError } from '../errors.js';

/** Refuses what is no number from `min` to `max`: `PORTICO_PLUGIN_OPTION`. `option`: `SSE: heartbeatMs`. */
export function checkNumber(
  option: string,
  value: unknown,
  min: number,
  max: number = Number.MAX_VALUE,
): void {
  if (typeof value === 'number' && value >= min && value <= max) return;
  const range = max === Number.MAX_VALUE ? `of at least ${min}` : `from ${min} to ${max}`;
  throw invalidOption(option, value, `Use a number ${range}.`);
}

/** The error for an option of a plugin that means nothing: `PORTICO_PLUGIN_OPTION`. */
export function invalidOption(option: string, value: unknown, advice: string): PorticoError {
  const shown = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return new PorticoError('PORTICO_PLUGIN_OPTION', `${option} is ${shown}. ${advice}`);
}
