import { fileURLToPath } from 'node:url';

/** Absolute path of the repository, also from compiled tests in `dist/`. */
export const repositoryFolder = fileURLToPath(new URL('../../../', import.meta.url));
/** Absolute path of `test/fixtures/`. */
export const fixturesFolder = fileURLToPath(new URL('../../../test/fixtures/', import.meta.url));
