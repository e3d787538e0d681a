import { z } from 'zod';
import { isAddressRange } from '../http/address-ranges.js';
import type { ConfigProblem } from './config-error.js';
import {
  DEFAULT_FORWARDING,
  FORWARDED_FIELDS,
  type ForwardedField,
  type ForwardingSettings,
} from './forwarding-settings.js';
import { leaf, show, word } from './setting-types.js';
import type { ConfigDocument } from './yaml-document.js';

/** The keys of a connector that say which proxies are believed. */
export const forwardingShape = {
  trustedProxies: addressRanges().optional(),
  forwardedHeaders: z.array(word(FORWARDED_FIELDS)).min(1, 'the list is empty').optional(),
};

interface ForwardingSection {
  readonly trustedProxies?: readonly string[] | undefined;
  readonly forwardedHeaders?: readonly ForwardedField[] | undefined;
}

/** The settings of one connector, defaults filled in. */
export function forwardingOf({ trustedProxies, forwardedHeaders }: ForwardingSection): ForwardingSettings {
  return {
    proxies: trustedProxies ?? DEFAULT_FORWARDING.proxies,
    fields: forwardedHeaders ?? DEFAULT_FORWARDING.fields,
  };
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
