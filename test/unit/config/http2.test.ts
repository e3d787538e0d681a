import { afterAll, describe, expect, it } from '@jest/globals';
import { DEFAULT_HTTP2_SETTINGS } from '#host/config/http2-settings.js';
import { HostConfigs } from '#test/support/host-configs.js';

const configs = new HostConfigs();
const { read } = configs;

afterAll(() => configs.remove());

describe('HTTP/2 of a connector', () => {
  it('is off without TLS, on with it, and as is said', () => {
    const { connectors } = read(`
connectors:
  - port: 1
  - port: 2
    tls: { certificates: [{ cert: a.crt, key: a.key }] }
  - port: 3
    tls: { certificates: [{ cert: a.crt, key: a.key }] }
    http2: { enabled: false }
  - port: 4
    http2: { enabled: true }
`);
    expect(connectors.map(({ http2 }) => http2)).toEqual([
      undefined,
      DEFAULT_HTTP2_SETTINGS,
      undefined,
      DEFAULT_HTTP2_SETTINGS,
    ]);
  });

  it('has limits with units', () => {
    const { connectors } = read(
      'connectors: [{ http2: { enabled: true, streamWindow: 1MiB, maxConcurrentStreams: 5, maxControlSize: 64KiB } }]',
    );
    expect(connectors[0]?.http2).toEqual({
      ...DEFAULT_HTTP2_SETTINGS,
      streamWindowBytes: 1024 * 1024,
      maxConcurrentStreams: 5,
      maxControlBytes: 64 * 1024,
    });
  });

  it('announces room for a header section that gets 431, unless told otherwise', () => {
    const { connectors } = read(`
connectors:
  - { port: 1, limits: { maxHeaderSize: 8KiB }, http2: { enabled: true } }
  - { port: 2, limits: { maxHeaderSize: 60KiB }, http2: { enabled: true } }
  - { port: 3, limits: { maxHeaderSize: 8KiB }, http2: { enabled: true, maxHeaderListSize: 8KiB } }
`);
    const announced = connectors.map(({ http2 }) => (http2?.maxHeaderListBytes ?? 0) / 1024);
    expect(announced).toEqual([32, 120, 8]);
  });

  it.each([
    [
      'connectors: [{ http2: { maxConcurrentStreams: 0 } }]',
      /connectors\[0\]\.http2\.maxConcurrentStreams: 0 is out of bounds/,
    ],
    ['connectors: [{ http2: { streamWindow: 12 } }]', /connectors\[0\]\.http2\.streamWindow/],
    ['connectors: [{ http2: { maxStreams: 5 } }]', /maxStreams/],
    [
      'connectors: [{ http2: { maxHeaderListSize: 8KiB } }]',
      /connectors\[0\]\.http2\.maxHeaderListSize: 8KiB is less than limits\.maxHeaderSize, 16KiB/,
    ],
    [
      'connectors: [{ limits: { maxHeaderSize: 60KiB }, http2: { maxHeaderListSize: 59KiB } }]',
      /59KiB is less than limits\.maxHeaderSize, 60KiB/,
    ],
  ])('%s', (text, message) => {
    expect(() => read(text)).toThrow(message);
  });
});
