import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigError } from '#host/config/config-error.js';
import { readHostConfig } from '#host/config/read-host-config.js';
import { redirectSettingsOf } from '#host/config/redirect-schema.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

describe('connectors[].redirect', () => {
  let folder: TemporaryFolder;
  beforeAll(() => {
    folder = new TemporaryFolder();
  });
  afterAll(() => folder.remove());

  const read = (redirect: string) => {
    const text = `connectors: [{ port: 80, redirect: ${redirect} }, { name: other, port: 8443, tls: { certificates: [{ cert: a, key: b }] } }, { name: plain, port: 81 }]\n`;
    return readHostConfig({ base: folder.write('base', { 'host.yaml': text }), env: {} }).connectors[0]
      ?.redirect;
  };
  const problems = (redirect: string): string[] => {
    try {
      read(redirect);
    } catch (error) {
      if (error instanceof ConfigError)
        return error.problems.map(({ path, message }) => `${path} ${message}`);
      throw error;
    }
    return [];
  };

  it('redirects to port 443 with 308 unless it says otherwise', () => {
    expect(read('{}')).toEqual({ to: 'https', status: 308, hosts: undefined });
    expect(read('{ to: other, status: 301, hosts: [Shop.example, "*.shop.example"] }')).toEqual({
      to: 'other',
      status: 301,
      hosts: ['shop.example', '*.shop.example'],
    });
    expect(read('{ to: "8443" }')?.to).toBe(8443);
  });

  it('takes the port of a connector where it listens; a connector called https goes before the port of https', () => {
    const portOf = (name: string) => ({ other: 41_234, https: 8443 })[name];
    const port = (to: string | number) =>
      redirectSettingsOf({ to, status: 308, hosts: undefined }, portOf).port;
    expect([port('other'), port('https'), port(444)]).toEqual([41_234, 8443, 444]);
    expect(redirectSettingsOf({ to: 'https', status: 308, hosts: undefined }, () => undefined).port).toBe(
      443,
    );
  });

  it('refuses connectors that are not there or itself, other statuses, and hosts that are none', () => {
    expect(problems('{ to: nowhere }')).toEqual([
      expect.stringMatching(/^connectors\[0\]\.redirect\.to there is no connector "nowhere"/),
    ]);
    expect(problems('{ to: plain }')).toEqual([expect.stringMatching(/"plain" has no "tls"/)]);
    expect(problems('{ to: http }')).toEqual([expect.stringMatching(/redirects to itself$/)]);
    expect(problems('{ to: 0 }')).toEqual([expect.stringMatching(/0 is neither https/)]);
    expect(problems('{ status: 303 }')).toEqual([
      expect.stringMatching(/303 is not one of 301, 302, 307, 308/),
    ]);
    expect(problems('{ hosts: ["a b", "*.*.a", "1.2.3.4"] }')).toHaveLength(3);
    expect(problems('{ hosts: [] }')).toEqual([expect.stringMatching(/the list is empty/)]);
    expect(problems('{ too: https }')).toEqual([
      expect.stringMatching(/unknown key; known here: to, status, hosts/),
    ]);
  });
});
