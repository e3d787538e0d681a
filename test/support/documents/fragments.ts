import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { repositoryFolder } from '#test/support/paths.js';
import { fencesOf } from './markdown.js';

/** What fragments use without declaring it: things of the reader's own application. */
const READERS_OWN = `
declare const hashes: Map<string, string>;
declare const csv: (rows: unknown[]) => string;
declare class Order { readonly items: readonly string[] }
declare class OutOfStock extends Error { readonly item: string }
declare function revisionOf(call: import('portico').ApplicationCall): string;
declare function statesOf(id: string, signal: AbortSignal): AsyncIterable<string>;
`;

const agreed = JSON.parse(
  readFileSync(join(repositoryFolder, 'test/architecture/public-api.json'), 'utf8'),
) as Readonly<Record<string, readonly string[]>>;

/**
 * Writes each block of TypeScript of a document as a file of its own below `folder`, so that the compiler can check it. What
 * it uses of `portico` without importing it is imported; `application` and `route` are there.
 */
export function writeFragments(document: string, folder: string): void {
  mkdirSync(join(folder, 'src'), { recursive: true });
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(repositoryFolder, join(folder, 'node_modules/portico'), 'junction');
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'src/readers-own.d.ts'), READERS_OWN);
  for (const { language, text, line } of fencesOf(readFileSync(join(repositoryFolder, document), 'utf8'))) {
    if (language !== 'ts') continue;
    const file = join(folder, 'src', `line-${line}.ts`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, moduleOf(text));
  }
}

function moduleOf(text: string): string {
  const imports = [...text.matchAll(/^import [\s\S]*?;\n/gm)].map(([statement]) => statement).join('');
  const body = text.replace(/^import [\s\S]*?;\n/gm, '');
  const known = new Set(imports.match(/\w+/g));
  for (const [, name = ''] of body.matchAll(/\b(?:const|class|function) (\w+)/g)) known.add(name);
  const needed: string[] = [];
  for (const [entry, names] of Object.entries(agreed)) {
    const specifier = entry === 'framework' ? 'portico' : `portico/${entry}`;
    for (const name of names.map((one) => one.replace(/^type /, ''))) {
      if (known.has(name) || !new RegExp(`\\b${name}\\b`).test(`${body} Application Route`)) continue;
      known.add(name);
      needed.push(`import { ${name} } from '${specifier}';`);
    }
  }
  return `${imports}${needed.join('\n')}
export async function fragment(application: Application, route: Route): Promise<void> {
${body}}
`;
}
