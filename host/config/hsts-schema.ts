import type { z } from 'zod';
import type { ConfigPath } from './config-error.js';
import { longDuration } from './long-duration.js';
import { flag, section } from './setting-types.js';

const YEAR_MS = 365 * 86_400_000;

/** `connectors[].tls.hsts`. */
export const hstsSchema = section({
  maxAge: longDuration({ minMs: 0, maxDays: 3650 }).default(YEAR_MS),
  includeSubDomains: flag().default(false),
  preload: flag().default(false),
});

/** An HSTS section after the schema. */
export type HstsSection = z.output<typeof hstsSchema>;

/** Value of Strict-Transport-Security (RFC 6797 §6.1). */
export function transportSecurityOf({ maxAge, includeSubDomains, preload }: HstsSection): string {
  const parts = [`max-age=${Math.floor(maxAge / 1000)}`];
  if (includeSubDomains) parts.push('includeSubDomains');
  if (preload) parts.push('preload');
  return parts.join('; ');
}

/** What browsers' lists want of whoever asks to be in them. */
export function checkHsts(
  { maxAge, includeSubDomains, preload }: HstsSection,
  at: ConfigPath,
  add: (path: ConfigPath, message: string) => void,
): void {
  if (preload && (!includeSubDomains || maxAge < YEAR_MS))
    add([...at, 'preload'], 'needs includeSubDomains: true and a maxAge of at least 365d');
}
