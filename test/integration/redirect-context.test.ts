import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestHost } from '#test/support/host.js';

let host: TestHost;

const redirect = (value: string): { '': string } => ({
  '': `portico: { application: { redirect: ${value} } }\n`,
});

beforeAll(async () => {
  host = await TestHost.start({
    apps: {
      'old.yaml': redirect('https://new.example/shop/'),
      'gone.yaml': redirect('{ to: /here, status: 302, path: drop }'),
      'top.yaml': redirect('/'),
      'root.yaml': redirect('{ to: /, path: drop }'),
      'evil.yaml': redirect('//evil.example'),
      'query.yaml': redirect('https://new.example/?a=b'),
      'strange.yaml': redirect('{ to: /x, status: 200 }'),
      'two.yaml': { '': 'portico: { application: { redirect: /x, upstream: "http://127.0.0.1:1" } }\n' },
    },
  });
});

afterAll(() => host.stop());

async function location(path: string): Promise<[number, string | null]> {
  const response = await host.get(path, { redirect: 'manual' });
  return [response.status, response.headers.get('location')];
}

describe('a descriptor that names a redirect', () => {
  it('sends clients there, with the rest of the path and the query', async () => {
    const status = await host.untilApplication('old', ({ state }) => state === 'running');
    expect(status.kind).toBe('redirect');
    expect(await location('/old/a%20b?c=d&e')).toEqual([308, 'https://new.example/shop/a%20b?c=d&e']);
    expect(await location('/old')).toEqual([308, 'https://new.example/shop/']);
    expect(await location('/top/a')).toEqual([308, '/a']);
  });

  it('drops them, and has another status, when it says so', async () => {
    await host.untilApplication('gone', ({ state }) => state === 'running');
    expect(await location('/gone/a?b')).toEqual([302, '/here']);
    expect(await location('/root/a?b')).toEqual([308, '/']);
  });

  it('never leads to a host that the client names', async () => {
    await host.untilApplication('top', ({ state }) => state === 'running');
    expect((await location('/top//evil.example/x'))[1] ?? '').not.toMatch(/^\/[/\\]/);
  });

  it.each([
    ['evil', '//evil.example" is not a path'],
    ['query', 'has a user, query or fragment'],
    ['strange', '200 is not one of 301, 302, 307, 308'],
    ['two', 'exclude each other'],
  ])('is refused when it is wrong: %s', async (name, reason) => {
    const status = await host.untilApplication(name, ({ state }) => state === 'failed');
    expect(status.reason).toContain(reason);
    expect((await host.get(`/${name}`)).status).toBe(503);
  });
});
