import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fixturesFolder } from './paths.js';

/** Content of a vector file in `test/fixtures/vectors/`; the caller states its shape. */
export function readVectors<T>(name: string): T {
  return JSON.parse(readFileSync(path.join(fixturesFolder, 'vectors', `${name}.json`), 'utf8')) as T;
}
