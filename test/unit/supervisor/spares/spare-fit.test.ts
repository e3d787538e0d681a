import { describe, expect, it } from '@jest/globals';
import { DEFAULT_ISOLATION } from '#host/config/isolation-settings.js';
import { spareMisfit } from '#host/supervisor/spares/spare-fit.js';
import { deploymentSpec } from '#test/support/deployment-specs.js';

const MIB = 1024 ** 2;
const start = { maxHeapBytes: 64 * MIB, environment: { HOME: '/root', TZ: 'UTC', PATH: '/bin' } };
const plain = { HOME: '/root', TZ: 'UTC', PATH: '/bin', NODE_ENV: 'production' };

describe('an application that fits a spare', () => {
  it('has the same heap, rights and start of a process; its own variables do not matter', () => {
    expect(spareMisfit(deploymentSpec(), plain, start)).toBeUndefined();
    const own = { ...plain, DATABASE: 'x', NODE_ENV: 'test', TMPDIR: '/t', PATH: '/usr/bin' };
    expect(spareMisfit(deploymentSpec(), own, start)).toBeUndefined();
  });

  it.each([
    ['NODE_OPTIONS', '--no-warnings'],
    ['NODE_EXTRA_CA_CERTS', '/ca.pem'],
    ['NODE_PATH', '/lib'],
    ['UV_THREADPOOL_SIZE', '8'],
    ['LD_PRELOAD', 'libjemalloc.so'],
    ['OPENSSL_CONF', '/ssl.conf'],
    ['SSL_CERT_FILE', '/ca.pem'],
    ['LC_ALL', 'de_DE.UTF-8'],
    ['TZ', 'Europe/Berlin'],
    ['HOME', '/home/shop'],
  ])('does not set %s', (name, value) => {
    expect(spareMisfit(deploymentSpec(), { ...plain, [name]: value }, start)).toContain(name);
  });

  it('has what the spare was started with', () => {
    const { TZ: _, ...others } = plain;
    expect(spareMisfit(deploymentSpec(), others, start)).toContain('TZ');
  });

  it.each([
    [{ isolation: { ...DEFAULT_ISOLATION, user: 'nobody' } }, 'user'],
    [{ isolation: { ...DEFAULT_ISOLATION, group: '7' } }, 'group'],
    [
      {
        isolation: {
          ...DEFAULT_ISOLATION,
          sandbox: { read: [], write: [], net: true, child: true, worker: true, addons: true },
        },
      },
      'sandbox',
    ],
    [{ isolation: { ...DEFAULT_ISOLATION, secretFiles: { NODE_OPTIONS: '/run/options' } } }, 'NODE_OPTIONS'],
    [{ maxHeapBytes: 65 * MIB }, 'heap'],
  ])('with %j it does not', (settings, why) => {
    expect(spareMisfit(deploymentSpec({}, settings), plain, start)).toContain(why);
  });
});
