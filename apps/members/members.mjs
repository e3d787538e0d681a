import { routing, TEXT_HTML } from 'portico';
import {
  Authentication,
  authenticate,
  basic,
  form,
  principal,
  session,
  verifyPassword,
} from 'portico/plugins/authentication';
import { CSRF } from 'portico/plugins/csrf';
import { DefaultHeaders } from 'portico/plugins/default-headers';
import { MemorySessionStorage, Sessions, sessionKey, sessions } from 'portico/plugins/sessions';
import { homePage, loginPage } from './page.mjs';

/** @type {import('portico/plugins/sessions').SessionKey<{ name: string, visits: number }>} */
const Member = sessionKey('member');

/**
 * A page for members only: people log in by a form and are known by their session, programs send name and password.
 * @param {import('portico').Application} application
 */
export function membersModule(application) {
  const accounts = new Map(
    application.environment.config
      .configList('members.accounts')
      .map((account) => [account.property('name').getString(), account.property('passwordHash').getString()]),
  );

  /** @param {import('portico/plugins/authentication').PasswordCredentials} credentials */
  const validate = async ({ name, password }) =>
    (await verifyPassword(password, accounts.get(name))) ? { name } : undefined;

  const LoginForm = form('login form', {
    validate,
    challenge: (call) => call.respondText(loginPage(application.href('/login'), true), TEXT_HTML, 401),
  });
  const LoggedIn = session('logged in', {
    key: Member,
    validate: (member) => (accounts.has(member.name) ? member : undefined),
    challenge: (call) => call.respondRedirect(application.href('/login')),
  });
  const Program = basic('program', { validate, realm: 'members' });

  application.install(DefaultHeaders, (config) => {
    config.header('Cache-Control', 'no-store');
    config.header(
      'Content-Security-Policy',
      "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
    );
  });
  application.install(Sessions, (config) =>
    config.cookie(Member, (cookie) => {
      cookie.storage = new MemorySessionStorage();
      cookie.maxAgeSeconds = 60 * 60;
    }),
  );
  application.install(CSRF, (config) => {
    config.originMatchesHost = true;
  });
  application.install(Authentication, (config) => {
    for (const provider of [LoginForm, LoggedIn, Program]) config.provider(provider);
  });

  routing(application, (route) => {
    route.get('/login', (call) => call.respondText(loginPage(application.href('/login'), false), TEXT_HTML));

    authenticate(route, [LoginForm], (route) => {
      route.post('/login', (call) => {
        sessions(call).set(Member, { name: principal(call, LoginForm).name, visits: 0 });
        // An id that somebody planted before is worth nothing now.
        sessions(call).renewId(Member);
        return call.respondStatus(303, { headers: ['Location', application.href('/')] });
      });
    });

    authenticate(route, [LoggedIn], (route) => {
      route.get('/', (call) => {
        const member = principal(call, LoggedIn);
        member.visits += 1;
        return call.respondText(homePage(member, application.href('/logout')), TEXT_HTML);
      });
      route.post('/logout', (call) => {
        sessions(call).clear(Member);
        return call.respondStatus(303, { headers: ['Location', application.href('/login')] });
      });
    });

    authenticate(route, [Program], (route) => {
      route.get('/api/me', (call) => ({ name: principal(call, Program).name }));
    });
  });
}
