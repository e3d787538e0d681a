import { describe, expect, it } from '@jest/globals';
import { routing } from 'portico';
import {
  Authentication,
  type AuthenticationProvider,
  apiKey,
  authenticate,
  basic,
  bearer,
  form,
  session,
} from 'portico/plugins/authentication';
import { Sessions, sessionKey, sessions, signed } from 'portico/plugins/sessions';
import { type TestRequestOptions, testApplication } from 'portico/testing';

const User = sessionKey<{ name: string }>('user');

/** What a route behind one provider answers; `/login` begins a session. */
async function statusOf(
  provider: AuthenticationProvider<unknown>,
  options: TestRequestOptions,
): Promise<number> {
  const application = await testApplication((app) => {
    app.install(Sessions, (config) => config.cookie(User, (cookie) => cookie.transform(signed('secret'))));
    app.install(Authentication, (config) => config.provider(provider));
    routing(app, (r) => {
      r.get('/login', (call) => {
        sessions(call).set(User, { name: 'ada' });
        return call.respondStatus(204);
      });
      authenticate(r, [provider], (inner) => inner.post('/', (call) => call.respondText('secret')));
    });
  });
  const client = application.client.with({ cookies: true });
  await client.get('/login');
  return (await client.post('/', options)).status;
}

describe('validate', () => {
  const credentials: TestRequestOptions = {
    headers: { Authorization: `Basic ${Buffer.from('ada:wrong').toString('base64')}` },
  };
  // What "is it right?" gives, in one of the ways to write it.
  const isRight = (): boolean => false;

  it.each<[string, AuthenticationProvider<unknown>, TestRequestOptions]>([
    ['basic', basic('it', { validate: isRight }), credentials],
    ['bearer', bearer('it', { validate: isRight }), { headers: { Authorization: 'Bearer x' } }],
    ['apiKey', apiKey('it', { validate: isRight }), { headers: { 'X-Api-Key': 'x' } }],
    ['form', form('it', { validate: isRight }), { form: { user: 'ada', password: 'wrong' } }],
    ['session', session('it', { key: User, validate: isRight }), {}],
  ])('lets nobody in with false, in %s', async (_name, provider, options) => {
    expect(await statusOf(provider, options)).toBe(401);
  });

  it.each([undefined, null, false])(
    'lets nobody in with the principal %p of a provider of its own',
    async (found) => {
      const provider = { name: 'own', authenticate: () => ({ principal: found }) };
      expect(await statusOf(provider, {})).toBe(401);
    },
  );
});
