import { counted } from '../../counted.js';

/** Looking at what a bundle exports: it may be anything, also a proxy that throws at every touch. */

/** The exports with their kinds, for a message: `default (object), start (function with 1 parameter)`. */
export function describeExports(exports: Readonly<Record<string, unknown>>): string {
  const parts = Object.keys(exports)
    .slice(0, 12)
    .map((name) => `${name} (${describeValue(property(exports, name))})`);
  return parts.length === 0 ? 'nothing' : parts.join(', ');
}

/** A property of anything; undefined when there is none or looking throws. */
export function property(owner: unknown, name: string): unknown {
  try {
    return (owner as Record<string, unknown> | null | undefined)?.[name];
  } catch {
    return undefined;
  }
}

/** True for `class X {}`, which cannot be called. */
export function isClass(value: object): boolean {
  try {
    return /^class\b/.test(Function.prototype.toString.call(value));
  } catch {
    return false;
  }
}

function describeValue(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value !== 'function') return typeof value;
  if (isClass(value)) return 'class';
  return `function with ${counted(value.length, 'parameter')}`;
}
