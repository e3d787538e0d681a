import { describe, expect, it } from '@jest/globals';
import { routing } from 'portico';
import { ForwardedHeaders, type ProxyRules, XForwardedHeaders } from 'portico/plugins/forwarded-headers';
import { testApplication } from 'portico/testing';

async function originOf(
  headers: Readonly<Record<string, string>>,
  configure: (rules: ProxyRules) => void,
): Promise<string> {
  const application = await testApplication((app) => {
    if ('Forwarded' in headers) app.install(ForwardedHeaders, configure);
    else app.install(XForwardedHeaders, configure);
    routing(app, (r) =>
      r.get('/', ({ request: { origin } }) => `${origin.url} ${origin.remoteAddress}:${origin.remotePort}`),
    );
  });
  const response = await application.client.get('/', { headers: { Host: 'here', ...headers } });
  const text = await response.text();
  await application.stop();
  return text;
}

describe('headers of proxies', () => {
  it('are not believed from an address that is not trusted', async () => {
    const headers = { 'X-Forwarded-For': '9.9.9.9', 'X-Forwarded-Host': 'evil' };
    expect(await originOf(headers, (rules) => rules.trustOnly(['10.0.0.0/8', 'fd00::/8']))).toMatch(
      /^http:\/\/here 127\.0\.0\.1:/,
    );
    expect(await originOf(headers, (rules) => rules.trustOnly(['127.0.0.0/8']))).toMatch(
      /^http:\/\/evil 9\.9\.9\.9:/,
    );
  });

  it('are read from the right, as far as proxies are known', async () => {
    const headers = { 'X-Forwarded-For': '1.1.1.1, 9.9.9.9, 10.0.0.2, 10.0.0.1' };
    const text = await originOf(headers, (rules) => rules.skipKnownProxies(['10.0.0.0/8']));
    expect(text).toMatch(/ 9\.9\.9\.9:/);
  });

  it.each([
    { 'X-Forwarded-For': '9.9.9.9, 10.0.0.2:4711, [fd00::1]:80, fd00::2' },
    { Forwarded: 'for=9.9.9.9, for="10.0.0.2:4711", for="[fd00::1]:80", for="[fd00::2]"' },
  ])('are read past known proxies that write ports: %j', async (headers) => {
    const rules = (config: ProxyRules): void => config.skipKnownProxies(['10.0.0.0/8', 'fd00::/8']);
    expect(await originOf(headers, rules)).toMatch(/ 9\.9\.9\.9:/);
  });

  it('may come in several lines, quoted, with ports and in brackets', async () => {
    const headers = { Forwarded: 'for="[2001:db8::1]:4711";proto=HTTPS;host="a.example:8443", for=10.0.0.1' };
    expect(await originOf(headers, () => undefined)).toBe('https://a.example:8443 2001:db8::1:4711');
  });

  it.each([
    { 'X-Forwarded-Proto': 'javascript' },
    { 'X-Forwarded-Host': 'a b' },
    { 'X-Forwarded-Host': 'user@evil' },
    { 'X-Forwarded-Port': '99999' },
    { 'X-Forwarded-Port': '0' },
    { 'X-Forwarded-For': '<script>' },
    { Forwarded: 'for="' },
    { Forwarded: ';;;=,=' },
  ])('that make no sense change nothing: %p', async (headers) => {
    expect(await originOf(headers as Record<string, string>, () => undefined)).toMatch(
      /^http:\/\/here 127\.0\.0\.1:/,
    );
  });

  it('need ranges that are ranges', async () => {
    await expect(
      originOf({ 'X-Forwarded-For': 'x' }, (rules) => rules.trustOnly(['10.0.0.0/99'])),
    ).rejects.toMatchObject({ code: 'PORTICO_PROXY_RANGE' });
  });
});
