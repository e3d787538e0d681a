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
    'package.json': jsonText({
      name: facts.packageName,
      version: '0.1.0',
      private: true,
      type: 'module',
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
  routing(application, (route) => {
    route.get('/', (call) => call.respondText('Hello from ${facts.title}\\n'));
    route.get('/greetings/{name}', (call) => ({ greeting: \`Hello, \${call.parameters.name}\` }));
  });
}
`,
    'app.test.js': testFile(),
    'README.md': readme(facts, {
      run: 'portico run -port=8080',
      about: 'Routes are in `app.js`. `application.yaml` names the function that makes them.',
      pack: 'npm pack',
    }),
    '.gitignore': 'node_modules/\n*.tgz\n',
  };
}

/** `application.yaml` with one module. */
export function applicationYaml(module: string): string {
  return `portico:
  application:
    modules: [${module}]
`;
}

/** The test, the same in JavaScript and TypeScript. */
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

/** What `README.md` says besides the name. */
interface ReadmeWords {
  readonly about: string;
  readonly run: string;
  readonly pack: string;
}

/** How to run, test and deliver the bundle. */
export function readme(
  { title, folder, path, packageName }: BundleFacts,
  { about, run, pack }: ReadmeWords,
): string {
  return `# ${title}

An application for Portico. ${about}

\`\`\`sh
npm install            # for tests and editor; with a checkout of Portico: npm link PATH-OF-THE-CHECKOUT
npm test
${run} # alone, at http://127.0.0.1:8080/
\`\`\`

From the folder above, \`portico dev ${folder}\` runs it in a container and restarts it when a file changes.

To deliver it, put this folder, or the archive that \`${pack}\` makes, into the drop folder \`apps/\` of a Portico host: the folder
is mounted at \`${path === '' ? '/' : path}\`, an archive under its file name, so rename \`${packageName}-0.1.0.tgz\`. The host provides
\`portico\`; what else the application needs at run time belongs to \`dependencies\` and \`bundleDependencies\` of \`package.json\`.
`;
}

/** As npm writes it. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
