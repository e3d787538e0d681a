import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryFolder } from '#test/support/paths.js';
import { readReference } from './read-reference.js';
import { referencePages } from './reference-pages.js';

// `npm run docs`: the reference of the public API, in a folder that is not kept.
const folder = join(repositoryFolder, 'dist/docs');
rmSync(folder, { recursive: true, force: true });
const pages = referencePages(readReference(folder));
for (const [name, text] of Object.entries(pages)) writeFileSync(join(folder, name), text);
process.stdout.write(`wrote ${Object.keys(pages).length} pages; begin with dist/docs/README.md\n`);
