import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { repositoryFolder } from '#test/support/paths.js';
import { readReference } from '#test/support/reference/read-reference.js';
import { referencePages } from '#test/support/reference/reference-pages.js';

const agreed = JSON.parse(
  readFileSync(join(repositoryFolder, 'test/architecture/public-api.json'), 'utf8'),
) as Record<string, string[]>;

mkdirSync(join(repositoryFolder, '.portico'), { recursive: true });
const folder = mkdtempSync(join(repositoryFolder, '.portico/reference-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the reference of the public API', () => {
  const entries = readReference(folder);
  const pages = referencePages(entries);

  it.each(Object.entries(agreed))('has every name of %s, with what it is', (entry, names) => {
    const specifier = entry === 'framework' ? 'portico' : `portico/${entry}`;
    const page = pages[`${specifier.replaceAll('/', '-')}.md`] ?? '';
    const headings = [...page.matchAll(/^## (\S+)$/gm)].map(([, name]) => name);
    expect(headings.sort()).toEqual(names.map((name) => name.replace(/^type /, '')).sort());
    expect(page).toContain(`\n# ${specifier}\n`.trimStart());
  });

  it('has a doc comment for every name', () => {
    const missing = entries.flatMap(({ specifier, names }) =>
      names.filter(({ doc }) => doc === '').map(({ name }) => `${specifier}: ${name}`),
    );
    expect(missing).toEqual([]);
  });

  it('tells of classes what can be called, and nothing private', () => {
    const page = pages['portico.md'] ?? '';
    expect(page).toContain(
      '## Application\n\n*class*\n\nThe pipeline all calls of one application go through',
    );
    expect(page).toContain('```ts\nhref(path: string): string\n```\n\nPath of this application, `/login`');
    expect(page).toContain('```ts\nclass Application extends ApplicationCallPipeline\n```');
    for (const text of Object.values(pages))
      expect(text).not.toMatch(/^(?:private |#private|export declare)/m);
  });
});
