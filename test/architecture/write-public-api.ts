import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryFolder } from '#test/support/paths.js';
import { namesOf, publicEntries } from './public-names.js';

// Run after an intended change of the public API: node dist/test/architecture/write-public-api.js
const names = Object.fromEntries(publicEntries().map((entry) => [entry, namesOf(entry)]));
writeFileSync(
  join(repositoryFolder, 'test/architecture/public-api.json'),
  `${JSON.stringify(names, undefined, 2)}\n`,
);
