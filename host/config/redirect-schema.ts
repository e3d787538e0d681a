import { z } from 'zod';
import type { ConfigPath } from './config-error.js';
import type { ConnectorConfig } from './host-config.js';
import { hostPattern } from './host-pattern.js';
import {
  REDIRECT_STATUSES,
  type RedirectConfig,
  type RedirectSettings,
  type RedirectStatus,
} from './redirect-settings.js';
import { leaf, section, show } from './setting-types.js';

/** 301, 302, 307 or 308. */
export function redirectStatus() {
  return leaf<RedirectStatus>((value, fail) => {
    const known = REDIRECT_STATUSES.find((status) => String(status) === String(value));
    return known ?? fail(`${show(value)} is not one of ${REDIRECT_STATUSES.join(', ')}`);
  });
}

/** `connectors[].redirect`. */
export const redirectSchema = section({
  to: leaf<number | string>((value, fail) => {
    const port = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : value;
    if (typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
    if (typeof port === 'string' && port !== '') return port;
    return fail(`${show(value)} is neither https, nor the name of a connector, nor a port`);
  }).default('https'),
  status: redirectStatus().default(308),
  hosts: z.preprocess(
    (value) => value ?? undefined,
    z
      .array(hostPattern({ wildcard: true }))
      .min(1, 'the list is empty: leave it out to redirect every host')
      .max(1000)
      .optional(),
  ),
});

/** What no single value shows about the redirects of all connectors. */
export function redirectProblems(
  connectors: readonly ConnectorConfig[],
  add: (path: ConfigPath, message: string) => void,
): void {
  connectors.forEach(({ name, redirect }, index) => {
    if (redirect === undefined || typeof redirect.to === 'number') return;
    const target = connectors.find((connector) => connector.name === redirect.to);
    const path: ConfigPath = ['connectors', index, 'redirect', 'to'];
    if (target === undefined) {
      if (redirect.to !== 'https')
        add(path, `there is no connector ${JSON.stringify(redirect.to)}: write https, a name or a port`);
    } else if (target.name === name) {
      add(path, 'the connector redirects to itself');
    } else if (target.tls === undefined) {
      add(path, `the connector ${JSON.stringify(target.name)} has no "tls": name one that speaks https`);
    }
  });
}

/** The redirect as a front needs it. `portOf` knows the real ports of the connectors. */
export function redirectSettingsOf(
  { to, status, hosts }: RedirectConfig,
  portOf: (connector: string) => number | undefined,
): RedirectSettings {
  const port = typeof to === 'number' ? to : (portOf(to) ?? 443);
  return { status, port, hosts };
}
