import type { z } from 'zod';
import { formatSize } from '../units.js';
import {
  DEFAULT_HTTP2_SETTINGS as DEFAULTS,
  type Http2Settings,
  headerListBytesFor,
} from './http2-settings.js';
import { flag, integer, section, size } from './setting-types.js';

const KIB = 1024;
const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/** `connectors[].http2`. */
export const http2Schema = section({
  enabled: flag().optional(),
  maxConcurrentStreams: integer(1, 10_000).default(DEFAULTS.maxConcurrentStreams),
  maxHeaderListSize: size({ min: 4 * KIB, max: 1 * MIB }).optional(),
  streamWindow: size({ min: 1 * KIB, max: 16 * MIB }).default(DEFAULTS.streamWindowBytes),
  maxResetStreams: integer(1, 1_000_000).default(DEFAULTS.maxResetStreams),
  maxPings: integer(1, 1_000_000).default(DEFAULTS.maxPings),
  maxSettingsFrames: integer(1, 1_000_000).default(DEFAULTS.maxSettingsFrames),
  maxControlSize: size({ min: 4 * KIB, max: 1 * GIB }).default(DEFAULTS.maxControlBytes),
  maxInvalidFrames: integer(1, 1_000_000).default(DEFAULTS.maxInvalidFrames),
  maxSessionMemory: size({ min: 1 * MIB, max: 1 * GIB }).default(DEFAULTS.maxSessionMemoryBytes),
});

/**
 * What the connector gets; nothing when HTTP/2 is off. When it is not said: on with TLS, where client and connector agree
 * on it, and off without.
 */
export function http2Of(
  given: z.output<typeof http2Schema>,
  isSecure: boolean,
  maxHeaderBytes: number,
): { readonly http2?: Http2Settings } {
  if (!(given.enabled ?? isSecure)) return {};
  const http2: Http2Settings = {
    maxConcurrentStreams: given.maxConcurrentStreams,
    maxHeaderListBytes: given.maxHeaderListSize ?? headerListBytesFor(maxHeaderBytes),
    streamWindowBytes: given.streamWindow,
    maxResetStreams: given.maxResetStreams,
    maxPings: given.maxPings,
    maxSettingsFrames: given.maxSettingsFrames,
    maxControlBytes: given.maxControlSize,
    maxInvalidFrames: given.maxInvalidFrames,
    maxSessionMemoryBytes: given.maxSessionMemory,
  };
  return { http2 };
}

/** What is wrong with it beside the limits of the connector. */
export function http2Problem(
  { maxHeaderListSize }: z.output<typeof http2Schema>,
  maxHeaderBytes: number,
): string | undefined {
  if (maxHeaderListSize === undefined || maxHeaderListSize >= maxHeaderBytes) return undefined;
  return (
    `${formatSize(maxHeaderListSize)} is less than limits.maxHeaderSize, ${formatSize(maxHeaderBytes)}: heads that HTTP/1.1 ` +
    'takes would be reset. Raise it, lower limits.maxHeaderSize, or leave it out'
  );
}
