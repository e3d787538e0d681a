/** Fields in which a trusted proxy may tell what it knows, in lower case. */
export const FORWARDED_FIELDS = [
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'forwarded',
] as const;
export type ForwardedField = (typeof FORWARDED_FIELDS)[number];

/** Who is believed when he says on whose behalf he asks. Plain data. */
export interface ForwardingSettings {
  /** Addresses, ranges, and `unix` for the other end of a Unix socket. Default: none. */
  readonly proxies: readonly string[];
  /** Fields that all of them write or remove; `forwarded` alone, or any of the others. */
  readonly fields: readonly ForwardedField[];
}

/**
 * Nobody is trusted. `X-Forwarded-Host` and `-Port` are not among the fields: proxies that write the other two often hand
 * on these two as the client has sent them.
 */
export const DEFAULT_FORWARDING: ForwardingSettings = {
  proxies: [],
  fields: ['x-forwarded-for', 'x-forwarded-proto'],
};
