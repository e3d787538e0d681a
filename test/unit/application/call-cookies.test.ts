import { describe, expect, it } from '@jest/globals';
import { routing } from 'portico';
import { testApplication } from 'portico/testing';

describe('cookies of a call', () => {
  it('are decoded; the first of a name counts, and what is not encoded stays as it is', async () => {
    const application = await testApplication((app) => {
      routing(app, (r) =>
        r.get('/', ({ request: { cookies } }) => ({
          a: cookies.get('a'),
          raw: cookies.raw('a'),
          all: cookies.getAll('a'),
          bad: cookies.get('bad'),
          b64: cookies.get('b64', 'base64'),
          names: cookies.names,
          size: cookies.size,
          missing: cookies.has('missing'),
          pairs: [...cookies],
        })),
      );
    });
    const answer = await application.client.get('/', {
      headers: { Cookie: ['a=1%202; a=3', 'bad=%zz; b64=w6Q='] },
    });
    expect(await answer.json()).toEqual({
      a: '1 2',
      raw: '1%202',
      all: ['1 2', '3'],
      bad: '%zz',
      b64: 'ä',
      names: ['a', 'bad', 'b64'],
      size: 3,
      missing: false,
      pairs: [
        ['a', '1 2'],
        ['bad', '%zz'],
        ['b64', 'w6Q='],
      ],
    });
    await application.stop();
  });

  it('are set one line each, and expired', async () => {
    const application = await testApplication((app) => {
      routing(app, (r) =>
        r.get('/', (call) => {
          call.response.cookies.append({ name: 'a', value: 'x;y', httpOnly: true });
          call.response.cookies.expire('b', { path: '/shop' });
          return call.respondText('ok');
        }),
      );
    });
    expect((await application.client.get('/')).headerAll('set-cookie')).toEqual([
      'a=x%3By; HttpOnly',
      'b=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/shop',
    ]);
    await application.stop();
  });
});
