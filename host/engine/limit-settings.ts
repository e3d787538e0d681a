import type { ApplicationConfig } from '../application/application-config.js';
import type { ApplicationConfigValue } from '../application/config-value.js';
import { type ConnectorLimits, DEFAULT_CONNECTOR_LIMITS } from '../config/connector-limits.js';
import { PorticoError } from '../errors.js';
import { MAX_DURATION_MS } from '../units.js';

/**
 * Limits of the connectors that `portico.deployment` sets for an application on its own: below `limits` by the names of
 * `host.yaml`, and by the names that Ktor's engines have for a few, which count where ours are not set. Throws
 * `PORTICO_PROPERTY_TYPE` with file and line for a value that is out of bounds.
 */
export function limitSettings(deployment: ApplicationConfig): Partial<ConnectorLimits> {
  const limits: { -readonly [Name in keyof ConnectorLimits]?: number } = {};
  const own = new Set<string>();
  for (const { name, path, read, min, max, isLongest = false } of SETTINGS) {
    const value = deployment.propertyOrNull(path);
    if (value === undefined || own.has(name)) continue;
    const limit = read(value);
    if (!Number.isInteger(limit) || limit < min || limit > max) throw outOfBounds(value, path, min, max);
    limits[name] = isLongest ? Math.max(limit, limits[name] ?? 0) : limit;
    if (!isLongest) own.add(name);
  }
  return limits;
}

interface Setting {
  readonly name: keyof ConnectorLimits;
  /** Below `portico.deployment`. */
  readonly path: string;
  readonly read: (value: ApplicationConfigValue) => number;
  readonly min: number;
  readonly max: number;
  /** Of several such settings of one limit the longest counts. */
  readonly isLongest?: boolean;
}

const MANY = Number.MAX_SAFE_INTEGER;
const HEAD_BYTES = 60 * 1024;
const bytes = (value: ApplicationConfigValue): number => value.getBytes();
const count = (value: ApplicationConfigValue): number => value.getNumber();
const time = (value: ApplicationConfigValue): number => value.getDurationMs();
const seconds = (value: ApplicationConfigValue): number => value.getNumber() * 1000;
/** 0 is without end in Ktor; here every wait has an end, so the default stays. */
const secondsOrDefault = (value: ApplicationConfigValue): number =>
  value.getNumber() === 0 ? DEFAULT_CONNECTOR_LIMITS.bodyIdleTimeoutMs : seconds(value);

const SETTINGS: readonly Setting[] = [
  { name: 'maxHeaderBytes', path: 'limits.maxHeaderSize', read: bytes, min: 1024, max: HEAD_BYTES },
  { name: 'maxHeaderCount', path: 'limits.maxHeaderCount', read: count, min: 1, max: 1000 },
  { name: 'maxTargetBytes', path: 'limits.maxTargetSize', read: bytes, min: 256, max: HEAD_BYTES },
  { name: 'headerTimeoutMs', path: 'limits.headerTimeout', read: time, min: 100, max: MAX_DURATION_MS },
  { name: 'bodyIdleTimeoutMs', path: 'limits.bodyIdleTimeout', read: time, min: 100, max: MAX_DURATION_MS },
  { name: 'minBodyBytesPerSecond', path: 'limits.minBodyRate', read: bytes, min: 0, max: MANY },
  { name: 'minReadBytesPerSecond', path: 'limits.minReadRate', read: bytes, min: 0, max: MANY },
  { name: 'keepAliveTimeoutMs', path: 'limits.keepAliveTimeout', read: time, min: 100, max: MAX_DURATION_MS },
  {
    name: 'maxRequestsPerConnection',
    path: 'limits.maxRequestsPerConnection',
    read: count,
    min: 0,
    max: MANY,
  },
  { name: 'maxConnections', path: 'limits.maxConnections', read: count, min: 1, max: 1_000_000 },
  { name: 'maxTargetBytes', path: 'maxInitialLineLength', read: count, min: 256, max: HEAD_BYTES },
  { name: 'maxHeaderBytes', path: 'maxHeaderSize', read: count, min: 1024, max: HEAD_BYTES },
  {
    name: 'keepAliveTimeoutMs',
    path: 'connectionIdleTimeoutSeconds',
    read: seconds,
    min: 100,
    max: MAX_DURATION_MS,
  },
  ...['requestReadTimeoutSeconds', 'responseWriteTimeoutSeconds'].map((path) => ({
    name: 'bodyIdleTimeoutMs' as const,
    path,
    read: secondsOrDefault,
    min: 100,
    max: MAX_DURATION_MS,
    isLongest: true,
  })),
];

function outOfBounds(value: ApplicationConfigValue, path: string, min: number, max: number): PorticoError {
  const place = value.origin === undefined ? '' : ` (${value.origin})`;
  return new PorticoError(
    'PORTICO_PROPERTY_TYPE',
    `portico.deployment.${path} is ${value.getString()}, but must be from ${min} to ${max} bytes, milliseconds or whatever it counts${place}.`,
  );
}
