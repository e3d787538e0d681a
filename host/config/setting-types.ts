import { isIP } from 'node:net';
import { z } from 'zod';
import { readHostAlias, readHostName } from '../http/host-name.js';
import {
  DURATION_FORM,
  formatDuration,
  formatSize,
  MAX_DURATION_MS,
  parseDuration,
  parseSize,
  UnitError,
} from '../units.js';
import { suggest } from './config-error.js';

/**
 * The kinds of values a setting can have. Each says in its message what it got and what it wants; the place is added
 * by `checkAgainst`. Text made of digits counts as a number, so that `port: "${PORT:8080}"` can be quoted.
 */

/** A section: a map with known keys. An empty one (`admin:` and nothing behind it) means its defaults. */
export function section<S extends z.ZodRawShape>(shape: S) {
  return z.preprocess((value) => value ?? {}, z.strictObject(shape));
}

/** Milliseconds, written with a unit. */
export function duration(bounds: { readonly min?: number; readonly max?: number } = {}) {
  const { min = 0, max = MAX_DURATION_MS } = bounds;
  return leaf((value, fail) => {
    const ms = withUnit(parseDuration, value, fail);
    if (ms !== undefined && (ms < min || ms > max)) {
      return fail(`${show(value)} is out of bounds: from ${formatDuration(min)} to ${formatDuration(max)}`);
    }
    return ms;
  }).describe(`duration: ${DURATION_FORM}`);
}

/** Bytes, written with a unit. */
export function size(bounds: { readonly min?: number; readonly max?: number } = {}) {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = bounds;
  return leaf((value, fail) => {
    const bytes = withUnit(parseSize, value, fail);
    if (bytes !== undefined && (bytes < min || bytes > max)) {
      const upper = max === Number.MAX_SAFE_INTEGER ? 'upwards' : `to ${formatSize(max)}`;
      return fail(`${show(value)} is out of bounds: from ${formatSize(min)} ${upper}`);
    }
    return bytes;
  });
}

/** A whole number within bounds, both included. */
export function integer(min: number, max: number) {
  return leaf((value, fail) => {
    const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isInteger(number))
      return fail(`${show(value)} is not a whole number`);
    if (number < min || number > max) return fail(`${number} is out of bounds: from ${min} to ${max}`);
    return number;
  });
}

/** A whole number from 1 on, or the word `auto`. */
export function countOrAuto(max: number) {
  return leaf<number | 'auto'>((value, fail) => {
    if (value === 'auto') return 'auto';
    const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isInteger(number))
      return fail(`${show(value)} is neither a whole number nor auto`);
    if (number < 1 || number > max) return fail(`${number} is out of bounds: from 1 to ${max}, or auto`);
    return number;
  });
}

/** 0 to 65535; 0 picks a free port. */
export const port = () => integer(0, 65_535);

/** `true` or `false`; `yes` and `on` are refused with a suggestion. */
export function flag() {
  return leaf((value, fail) => {
    if (value === true || value === 'true') return true;
    if (value === false || value === 'false') return false;
    const meant = ['yes', 'on', 'no', 'off'].indexOf(String(value).toLowerCase());
    return fail(
      `${show(value)} is neither true nor false`,
      meant < 0 ? undefined : meant < 2 ? 'true' : 'false',
    );
  });
}

/** One of some words. */
export function word<const W extends readonly string[]>(words: W) {
  return leaf<W[number]>((value, fail) => {
    const found = words.find((candidate) => candidate === value);
    if (found !== undefined) return found;
    const near = typeof value === 'string' ? suggest(value, words) : undefined;
    return fail(`${show(value)} is not one of ${words.join(', ')}`, near);
  });
}

/** Text without control characters; not empty. */
export function text(maxLength = 4096) {
  return leaf((value, fail) => {
    const string = typeof value === 'number' ? String(value) : value;
    if (typeof string !== 'string') return fail(`${show(value)} is not text`);
    if (string === '') return fail('the text is empty');
    if (string.length > maxLength)
      return fail(`the text has ${string.length} characters; at most ${maxLength}`);
    if (hasControl(string)) return fail(`${show(value)} contains a control character`);
    return string;
  });
}

/** An IP address or host name to listen on. */
export function listenHost() {
  return leaf((value, fail) => {
    if (typeof value !== 'string') return fail(`${show(value)} is not a host name or IP address`);
    const bare = value.startsWith('[') && value.endsWith(']') ? value.slice(1, -1) : value;
    if (isIP(bare) !== 0) return bare;
    if (
      /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$/.test(
        bare,
      )
    ) {
      // All digits and dots, but no address: a typing error, not a name.
      if (!/^[\d.]+$/.test(bare)) return bare;
    }
    return fail(`${show(value)} is not a host name or IP address: write 0.0.0.0, 127.0.0.1, :: or a name`);
  });
}

/** The name of a virtual host, in its one form: `shop.example`. */
export function hostName() {
  return leaf((value, fail) => {
    if (typeof value !== 'string') return fail(`${show(value)} is not a host name`);
    const wildcard = value.includes('*') ? 'a name has no *; write it as one of the aliases' : undefined;
    const read = readHostName(value);
    return read.ok ? read.name : fail(`${show(value)} is not a host name: ${wildcard ?? read.reason}`);
  });
}

/** A further name of a virtual host: `www.shop.example`, `*.shop.example`. */
export function hostAlias() {
  return leaf((value, fail) => {
    if (typeof value !== 'string') return fail(`${show(value)} is not a host name`);
    const read = readHostAlias(value);
    return read.ok ? read.name : fail(`${show(value)} cannot be an alias: ${read.reason}`);
  });
}

/** Environment of a process: names and text, or what else `other` takes. Numbers and booleans are turned into text. */
export function environment<T extends z.ZodType>(other: T) {
  return z.preprocess(
    (value) => value ?? {},
    z.record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is not a name of an environment variable'),
      leaf((value, fail): string | z.output<T> | undefined => {
        if (value === null) return '';
        if (typeof value === 'object' && !Array.isArray(value)) {
          const result = other.safeParse(value);
          return result.success
            ? result.data
            : fail(result.error.issues[0]?.message ?? `${show(value)} is not text`);
        }
        if (!['string', 'number', 'boolean'].includes(typeof value))
          return fail(`${show(value)} is not text`);
        const string = String(value);
        return string.includes('\0') ? fail(`${show(value)} contains a NUL character`) : string;
      }),
    ),
  );
}

/** A value for an error message: quoted, short, one line. */
export function show(value: unknown): string {
  if (value === null || value === undefined) return 'an empty value';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a section';
  const string = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return string.length > 80 ? `${string.slice(0, 80)}…` : string;
}

type Fail = (message: string, suggestion?: string) => undefined;

/** A single value: `read` gives the result or reports through `fail`. */
export function leaf<T>(read: (value: unknown, fail: Fail) => T | undefined) {
  return z.unknown().transform((value, context): T => {
    let failed = false;
    const fail: Fail = (message, suggestion) => {
      failed = true;
      context.addIssue({ code: 'custom', message, params: { suggestion } });
      return undefined;
    };
    const result = value === undefined ? fail('is required') : read(value, fail);
    return failed || result === undefined ? z.NEVER : result;
  });
}

function withUnit(parse: (value: unknown) => number, value: unknown, fail: Fail): number | undefined {
  try {
    return parse(value);
  } catch (error) {
    if (!(error instanceof UnitError)) throw error;
    return fail(error.message, error.suggestion);
  }
}

function hasControl(string: string): boolean {
  return /\p{Cc}/u.test(string);
}
