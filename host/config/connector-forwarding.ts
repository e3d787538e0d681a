import { z } from 'zod';
import { isAddressRange } from '../http/address-ranges.js';
import type { ConfigProblem } from './config-error.js';
import type { ConnectorSettings } from './connector-settings.js';
import { DEFAULT_FORWARDING, FORWARDED_FIELDS, type ForwardedField } from './forwarding-settings.js';
import { duration, flag, leaf, section, show, word } from './setting-types.js';
import type { ConfigDocument } from './yaml-document.js';

const DEFAULT_TIMEOUT_MS = 5000;

/** The keys of a connector that say which proxies are believed. */
export const forwardingShape = {
  proxyProtocol: section({
    from: addressRanges().min(1, 'the list is empty: nobody could connect'),
    required: flag().default(true),
    timeout: duration({ min: 100 }).default(DEFAULT_TIMEOUT_MS),
  }).optional(),
  trustedProxies: addressRanges().optional(),
  forwardedHeaders: z.array(word(FORWARDED_FIELDS)).min(1, 'the list is empty').optional(),
};

interface ForwardingSection {
  readonly proxyProtocol?:
    | { readonly from: readonly string[]; readonly required: boolean; readonly timeout: number }
    | undefined;
  readonly trustedProxies?: readonly string[] | undefined;
  readonly forwardedHeaders?: readonly ForwardedField[] | undefined;
}

/** The settings of one connector, defaults filled in. */
export function forwardingOf({
  proxyProtocol,
  trustedProxies,
  forwardedHeaders,
}: ForwardingSection): Pick<ConnectorSettings, 'proxyProtocol' | 'forwarding'> {
  const forwarding = {
    proxies: trustedProxies ?? DEFAULT_FORWARDING.proxies,
    fields: forwardedHeaders ?? DEFAULT_FORWARDING.fields,
  };
  if (proxyProtocol === undefined) return { forwarding };
  const { from, required, timeout } = proxyProtocol;
  return { forwarding, proxyProtocol: { from, required, timeoutMs: timeout } };
}

/** What no single value shows. */
export function forwardingProblems(
  connectors: readonly ForwardingSection[],
  document: ConfigDocument,
): ConfigProblem[] {
  return connectors.flatMap(({ trustedProxies, forwardedHeaders = [] }, index) => {
    const at = (message: string) => document.problem(['connectors', index, 'forwardedHeaders'], message);
    if (forwardedHeaders.length > 0 && trustedProxies === undefined)
      return [at('nobody is trusted to send them: add trustedProxies')];
    if (forwardedHeaders.includes('forwarded') && forwardedHeaders.length > 1)
      return [
        at(
          'forwarded and x-forwarded-… exclude each other: a proxy that writes one lets clients write the other',
        ),
      ];
    return [];
  });
}

/** A list of addresses, ranges and `unix`. */
export function addressRanges() {
  const one = leaf<string>((value, fail) =>
    typeof value === 'string' && isAddressRange(value)
      ? value
      : fail(`${show(value)} is no address: write 10.0.0.1, 10.0.0.0/8, fd00::/8, or unix for a Unix socket`),
  );
  return z.array(one).max(1000, 'at most 1000 ranges');
}
