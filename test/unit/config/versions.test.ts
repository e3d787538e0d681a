import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigError } from '#host/config/config-error.js';
import { readHostConfig } from '#host/config/read-host-config.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

describe('settings of versions', () => {
  let folder: TemporaryFolder;
  beforeAll(() => {
    folder = new TemporaryFolder();
  });
  afterAll(() => folder.remove());

  const read = (applications: string) =>
    readHostConfig({
      base: folder.write('base', { 'host.yaml': `applications: ${applications}\n` }),
      env: {},
    }).applications;
  const problems = (applications: string): string[] => {
    try {
      read(applications);
    } catch (error) {
      if (error instanceof ConfigError)
        return error.problems.map(({ path, message }) => `${path} ${message}`);
      throw error;
    }
    return [];
  };

  it('have defaults', () => {
    expect(read('{}')).toMatchObject({
      versions: { pinnedIdleMs: 1_800_000, maxAgeMs: 86_400_000, sessionCookies: [], preview: undefined },
      canary: undefined,
      shadow: undefined,
    });
    expect(read('{ canary: {} }').canary).toEqual({
      steps: [5, 25, 50],
      intervalMs: 300_000,
      maxErrorRate: 0.05,
      minRequests: 20,
    });
  });

  it('are read with their units', () => {
    expect(
      read(`{ versions: { pinnedIdle: 5m, maxAge: 7d, sessionCookies: [sid],
        preview: { secret: 0123456789abcdef0, addresses: [10.0.0.0/8] } },
        canary: { steps: [0.5%, 10%, 50%], interval: 1m, maxErrorRate: 1%, minRequests: 100 } }`),
    ).toMatchObject({
      versions: {
        pinnedIdleMs: 300_000,
        maxAgeMs: 604_800_000,
        sessionCookies: ['sid'],
        preview: { secret: '0123456789abcdef0', addresses: ['10.0.0.0/8'] },
      },
      canary: { steps: [0.5, 10, 50], intervalMs: 60_000, maxErrorRate: 0.01, minRequests: 100 },
    });
  });

  it.each([
    ['{ canary: { steps: [] } }', 'name at least one share'],
    ['{ canary: { steps: [50%, 25%] } }', 'the shares do not rise'],
    ['{ canary: { steps: [101%] } }', 'is no percentage'],
    ['{ canary: { steps: [5] } }', 'write 5%'],
    ['{ canary: { maxErrorRate: -1 } }', 'is no share'],
    ['{ versions: { preview: { secret: short } } }', 'the secret is not 16 to 256'],
    ['{ versions: { preview: { addresses: [everybody] } } }', 'is no address'],
    ['{ versions: { preview: {} } }', 'neither a secret nor addresses'],
    ['{ shadow: { of: "1" } }', 'is about one version'],
    ['{ canary: { step: 5% } }', 'step'],
  ])('%s is refused: %s', (applications, message) => {
    expect(problems(applications).join('\n')).toContain(message);
  });

  it('never show the secret in a message', () => {
    expect(problems('{ versions: { preview: { secret: "too secret" } } }').join()).not.toContain(
      'too secret',
    );
  });
});
