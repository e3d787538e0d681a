import { type ConnectorLimits, DEFAULT_CONNECTOR_LIMITS } from '../config/connector-limits.js';
import { kindOf, messageOf, PorticoError } from '../errors.js';
import { MAX_DURATION_MS } from '../units.js';
import type { EmbeddedSettings } from './embedded-server.js';

/** What programs say in code is looked at like what files say: types are not there in JavaScript. */

/** Throws `PORTICO_ENGINE_SETTING`. */
export function checkEngine(engine: unknown): void {
  if (typeof (engine as { create?: unknown } | null | undefined)?.create === 'function') return;
  throw invalid(`The engine must be CIO or Node of portico/embedded, and is ${kindOf(engine)}`);
}

/** An object; times and how modules start. Throws `PORTICO_ENGINE_SETTING`. */
export function checkSettings(settings: EmbeddedSettings): void {
  if (typeof settings !== 'object' || settings === null)
    throw invalid(`The settings must be an object such as { port: 8080 }, and are ${kindOf(settings)}`);
  const { startTimeoutMs, responseTimeoutMs, shutdownGracePeriodMs, shutdownTimeoutMs, startup } = settings;
  checkTimes({ startTimeoutMs, responseTimeoutMs, shutdownGracePeriodMs, shutdownTimeoutMs });
  if (startup !== undefined && startup !== 'sequential' && startup !== 'concurrent')
    throw invalid(`startup must be sequential or concurrent, and is ${kindOf(startup)}`);
}

/** A function, a list or what `modulesFrom` gives. Throws `PORTICO_ENGINE_SETTING`. */
export function checkModules(modules: unknown): void {
  if (typeof modules === 'function' || (typeof modules === 'object' && modules !== null)) return;
  throw invalid(
    `The modules must be a function, a list of functions or modulesFrom(…), and are ${kindOf(modules)}`,
  );
}

/** Throws `PORTICO_ENGINE_SETTING`. */
export function checkPort(port: unknown): void {
  if (Number.isInteger(port) && (port as number) >= 0 && (port as number) <= 65_535) return;
  throw invalid(
    `A port must be a whole number from 0 to 65535, where 0 picks a free one, and is ${String(port)}`,
  );
}

/** Throws `PORTICO_ENGINE_SETTING`. */
export function checkHost(host: unknown): void {
  if (typeof host !== 'string') throw invalid(`A host must be a name or an address, and is ${kindOf(host)}`);
}

/** Times by the names of their settings; undefined is the default. */
function checkTimes(times: Readonly<Record<string, unknown>>): void {
  for (const [name, time] of Object.entries(times))
    if (time !== undefined && !(typeof time === 'number' && time >= 0 && time <= MAX_DURATION_MS))
      throw invalid(
        `${name} must be a number of milliseconds from 0 to ${MAX_DURATION_MS}, and is ${kindOf(time)}`,
      );
}

/** Whole numbers, times no longer than a timer can be. Throws `PORTICO_ENGINE_SETTING`. */
export function checkLimits(limits: Partial<ConnectorLimits>): void {
  for (const [name, limit] of Object.entries(limits) as [string, unknown][]) {
    if (!Object.hasOwn(DEFAULT_CONNECTOR_LIMITS, name))
      throw invalid(
        `limits.${name} is no limit; there are ${Object.keys(DEFAULT_CONNECTOR_LIMITS).join(', ')}`,
      );
    const min = MAY_BE_ZERO.has(name) ? 0 : 1;
    const max = name.endsWith('Ms') ? MAX_DURATION_MS : Number.MAX_SAFE_INTEGER;
    if (!Number.isInteger(limit) || (limit as number) < min || (limit as number) > max)
      throw invalid(`limits.${name} must be a whole number from ${min} to ${max}, and is ${String(limit)}`);
  }
}

/** Makes the server of a connector with TLS; what OpenSSL says about key and certificate becomes `PORTICO_ENGINE_SETTING`. */
export function withTlsErrors<T>(address: string, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    if (cause instanceof PorticoError) throw cause;
    throw invalid(
      `The connector ${address} cannot be opened as its settings are: ${messageOf(cause)}`,
      cause,
    );
  }
}

/** 0: no limit. */
const MAY_BE_ZERO: ReadonlySet<string> = new Set([
  'minBodyBytesPerSecond',
  'minReadBytesPerSecond',
  'maxRequestsPerConnection',
]);

function invalid(what: string, cause?: unknown): PorticoError {
  return new PorticoError('PORTICO_ENGINE_SETTING', `${what}. Look at the settings of the engine.`, {
    cause,
  });
}
