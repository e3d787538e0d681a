/**
 * The ten applications under load, each of another kind. Each answers `/NAME/?n=NUMBER` with `NAME NUMBER`, so that an
 * answer which belongs to another request or another application is seen.
 */
import type { Subject } from './open-load.js';

/**
 * What happens to an application: nothing; redeploys with good content; redeploys with content that is refused, so that the
 * old one serves on; crashes. Only a victim may fail.
 */
export type Role = 'bystander' | 'healthy redeploy' | 'bad redeploy' | 'victim';

export interface StressedApplication extends Subject {
  readonly role: Role;
  /** Files of the bundle. `version` is what `/NAME/version` says, if it is asked for at all. */
  readonly files: (version: number) => Record<string, string>;
}

/** A bundle with one module as its `main`. */
export const server = (code: string, servlet = '{}') => ({
  'application.yaml': `portico: { application: { main: app.js }, servlet: ${servlet} }\n`,
  'package.json': '{ "type": "module" }\n',
  'app.js': code,
});

/** A `(req, res)` function with a version. `more` may answer by itself and return. */
const handler = (name: string, version: number, more = '', servlet?: string) =>
  server(
    `export default (req, res) => {
  const { pathname, searchParams } = new URL(req.url, 'http://a');
  if (pathname === '/version') return res.end('${version}');
  ${more}
  setTimeout(() => res.end('${name} ' + searchParams.get('n')), 5);
};
`,
    servlet,
  );

const module = (name: string, version: number) => ({
  'application.yaml': 'portico: { application: { modules: [app.js#answers] } }\n',
  'package.json': '{ "type": "module" }\n',
  'app.js': `import { routing } from 'portico';
export const answers = (application) => routing(application, (root) => {
  root.get('/version', (call) => call.respondText('${version}'));
  root.get('/', (call) => call.respondText('${name} ' + call.request.queryParameters.get('n')));
});
`,
});

const subject = (
  name: string,
  role: Role,
  files: StressedApplication['files'],
  isNumbered = true,
): StressedApplication => ({
  name,
  role,
  files,
  path: (number) => `/${name}/?n=${number}`,
  answer: (number) => (isNumbered ? `${name} ${number}` : name),
});

/** How the victim can be hurt from within, by path. */
const WOUNDS = `switch (pathname) {
    case '/abort': return process.abort();
    case '/exit': return process.exit(3);
    case '/throw': return void setTimeout(() => { throw new Error('thrown late'); });
    case '/reject': return void Promise.reject(new Error('rejected by nobody'));
    case '/loop': for (;;);
    case '/fill': for (const kept = []; ;) kept.push(new Array(1000).fill(kept.length));
  }`;
/** Short limits of its own, so that its end is soon noticed; the others have those that everybody has. */
const VICTIM = `{ limits: { heap: 64MiB }, hang: { timeout: 2s },
  restart: { minDelay: 100ms, maxDelay: 500ms, maxCrashes: 1000, window: 60s } }`;

export const APPLICATIONS: readonly StressedApplication[] = [
  subject('framework', 'bystander', (version) => module('framework', version)),
  subject('express', 'bystander', () =>
    server(`import express from 'express';
const app = express();
app.get('/', (req, res) => res.send('express ' + req.query.n));
export default app;
`),
  ),
  subject('fastify', 'bystander', () =>
    server(`import Fastify from 'fastify';
export const app = Fastify();
app.get('/', async (request) => 'fastify ' + request.query.n);
`),
  ),
  subject('koa', 'bystander', () =>
    server(`import Koa from 'koa';
const app = new Koa();
app.use((ctx) => { ctx.body = 'koa ' + ctx.query.n; });
export default app;
`),
  ),
  subject('fetch', 'bystander', () =>
    server(
      `export default { fetch: (request) => new Response('fetch ' + new URL(request.url).searchParams.get('n')) };\n`,
    ),
  ),
  subject('static', 'bystander', () => ({ 'index.html': 'static' }), false),
  subject('rolling', 'healthy redeploy', (version) => handler('rolling', version)),
  subject('module', 'healthy redeploy', (version) => module('module', version)),
  subject('refused', 'bad redeploy', (version) => handler('refused', version)),
  subject('victim', 'victim', (version) => handler('victim', version, WOUNDS, VICTIM)),
];

/** Content that must not replace what serves, by what is wrong with it. */
export const BAD_CONTENTS: Readonly<Record<string, Record<string, string>>> = {
  'cannot be parsed': server('export default (req, res => {\n'),
  'throws when it is loaded': server("throw new Error('thrown at load');\n"),
  'ends when it is loaded': server('process.exit(0);\n'),
  'is ready never': server('setInterval(() => undefined, 1000);\n', '{ start: { timeout: 2s } }'),
  'blocks when it is loaded': server('for (;;);\n', '{ start: { timeout: 2s } }'),
  'fails its health gate': server(
    'export default (req, res) => { res.statusCode = 500; res.end(); };\n',
    '{ health: { path: /, retries: 1, interval: 50ms } }',
  ),
  'has a descriptor that is none': { 'application.yaml': 'portico: { application: { main: 5, mian: ] }\n' },
};
