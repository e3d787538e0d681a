/** What is particular to one new bundle. */
export interface BundleFacts {
  /** As people call it: `shop`, `shop#admin`. */
  readonly title: string;
  /** Name of its folder. */
  readonly folder: string;
  /** `name` in `package.json`. */
  readonly packageName: string;
  /** Context path in the container; `''` for the root. */
  readonly path: string;
  readonly porticoVersion: string;
}

/** Files by path relative to the bundle. */
export type BundleFiles = Readonly<Record<string, string>>;

/** A bundle in JavaScript, with types in comments: runs as it is. */
export function bundleFiles(facts: BundleFacts): BundleFiles {
  return {
    'package.json': packageJson(facts, {
      files: ['app.js', 'application.yaml'],
      scripts: { test: 'node --test' },
      devDependencies: { portico: `^${facts.porticoVersion}` },
    }),
    'application.yaml': applicationYaml('app.js#appModule'),
    'app.js': `import { routing } from 'portico';

/**
 * What this application answers.
 * @param {import('portico').Application} application
 */
export function appModule(application) {
${moduleBody(facts)}}
`,
    'app.test.js': testFile(),
    'README.md': readme(
      facts,
      'Routes are in `app.js`. `application.yaml` names the function that makes them.',
    ),
    '.gitignore': 'node_modules/\n*.tgz\n',
  };
}

/** What differs between the `package.json` of a bundle in JavaScript and of one in TypeScript. */
interface PackageFacts {
  readonly files: readonly string[];
  readonly scripts: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

/** `package.json`, as npm writes it. */
export function packageJson({ packageName: name }: BundleFacts, more: PackageFacts): string {
  const manifest = { name, version: '0.1.0', private: true, type: 'module', ...more };
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

/** `application.yaml` with one module. */
export function applicationYaml(module: string): string {
  return `portico:
  application:
    modules: [${module}]
`;
}

/** What stands in the function that makes the routes, the same in JavaScript and TypeScript. */
export function moduleBody({ title }: BundleFacts): string {
  return `  routing(application, (route) => {
    route.get('/', (call) => call.respondText('Hello from ${title}\\n'));
    route.get('/greetings/{name}', (call) => ({ greeting: \`Hello, \${call.parameters.name}\` }));
  });
`;
}

/** The test, the same too. */
export function testFile(): string {
  return `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testApplication } from 'portico/testing';
import { appModule } from './app.js';

test('greets by name', () =>
  testApplication(appModule, async ({ client }) => {
    const response = await client.get('/greetings/Ada');
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), { greeting: 'Hello, Ada' });
  }));
`;
}

/** How to run, test and deliver the bundle. `about`: what lies where in it. */
export function readme({ title, folder, path, packageName }: BundleFacts, about: string): string {
  return `# ${title}

An application for Portico. ${about}

\`\`\`sh
npm install            # for tests and editor; with a checkout of Portico: npm link PATH-OF-THE-CHECKOUT
npm test
portico run -port=8080 # alone, at http://127.0.0.1:8080/
\`\`\`

From the folder above, \`portico dev ${folder}\` runs it in a container and restarts it when a file changes.

To deliver it, put this folder, or the archive that \`npm pack\` makes, into the drop folder \`apps/\` of a Portico host: the folder
is mounted at \`${path === '' ? '/' : path}\`, an archive under its file name, so rename \`${packageName}-0.1.0.tgz\`. The host provides
\`portico\`; what else the application needs at run time belongs to \`dependencies\` and \`bundleDependencies\` of \`package.json\`.
`;
}
