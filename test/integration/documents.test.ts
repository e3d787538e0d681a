import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { testBundle } from 'portico/testing';
import { compile, ExecutedDocument, runTests } from '#test/support/documents/executed-document.js';
import { writeFragments } from '#test/support/documents/fragments.js';
import { play } from '#test/support/documents/http-script.js';
import { fencesOf } from '#test/support/documents/markdown.js';
import { repositoryFolder } from '#test/support/paths.js';

/** A compiler on a busy machine. */
jest.setTimeout(300_000);

const DOCUMENTS = ['README.md', 'apps/GUIDE.md', 'apps/FROM-KTOR.md', 'apps/FROM-EXPRESS.md'];
/** Pages with pieces of code, which are compiled only. */
const FRAGMENTS = ['apps/PLUGINS.md', 'apps/README.md'];
const CODE = ['ts', 'js'];

// Inside the repository, so that the compiler finds the packages of the documents.
const work = join(repositoryFolder, '.portico');
mkdirSync(work, { recursive: true });
const folder = mkdtempSync(join(work, 'documents-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const documents = DOCUMENTS.map((file) => new ExecutedDocument(file, mkdtempSync(join(folder, 'document-'))));

for (const file of FRAGMENTS) writeFragments(file, join(folder, 'fragments/00', file.replace('/', '-')));

// All of them at once: one run of the compiler is enough.
let compilerSaid = '';
beforeAll(async () => {
  compilerSaid = await compile(documents, folder);
});

it('the documents compile', () => {
  expect(compilerSaid).toBe('');
});

describe.each(documents.map((document) => [document.name, document] as const))('%s', (file, document) => {
  const text = readFileSync(join(repositoryFolder, file), 'utf8');

  it('names the file of each block of code, so that none is left out', () => {
    const fences = fencesOf(text).filter(({ language }) => CODE.includes(language));
    expect(fences.filter((fence) => fence.file === undefined).map(({ line }) => `${file}:${line}`)).toEqual(
      [],
    );
    const written = new Set(fences.map((fence) => fence.file?.split('/')[0]));
    expect([...written].filter((bundle) => !document.finished.has(bundle ?? ''))).toEqual([]);
  });

  it.each(document.scenes.map((scene) => [scene.line, scene] as const))(
    'gets the answers of the block in line %d',
    async (_line, { folder, bundle, turns }) => {
      const mounted = await testBundle(folder, { contextPath: `/${bundle}`, rethrowErrors: false });
      try {
        await play(turns, mounted.client.with({ cookies: true }));
      } finally {
        await mounted.stop();
      }
    },
  );

  it('has bundles whose own tests pass', async () => {
    for (const at of document.finished.values()) {
      if (!existsSync(join(at, 'dist/app.test.js'))) continue;
      expect(await runTests(at)).toMatch(/^# pass [1-9]\d*$[\s\S]*^# fail 0$/m);
    }
  });
});

it('apps/GUIDE.md begins as portico new does, and has the hello of the sample', () => {
  const guide = readFileSync(join(repositoryFolder, 'apps/GUIDE.md'), 'utf8');
  expect(guide).toContain('portico new board --typescript');
  for (const name of ['hello.mjs', 'application.yaml']) {
    const shown = fencesOf(guide).find((fence) => fence.file === `hello/${name}`);
    expect(shown?.text).toBe(readFileSync(join(repositoryFolder, 'apps/hello', name), 'utf8'));
  }
});
