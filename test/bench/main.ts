/**
 * `npm run bench [-- GROUP…]`: ratios side by side in one run; all groups when none is named. A run takes about 9
 * minutes for `host`, 7 for `framework`, 5 for `connector` and 6 for `idle` (its last part alone: `waking`, 2), more
 * when the machine is busy. Tables are printed, everything is written to `.portico/bench/` as JSON.
 *
 * BENCH_ROUNDS and BENCH_SECONDS set the length of the measurement of one subject.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryFolder } from '#test/support/paths.js';
import { measureConnector } from './connector-group.js';
import { measureFramework } from './framework-group.js';
import { measureHost } from './host-group.js';
import { measureIdle } from './idle-group.js';
import { measureSleeping } from './sleeping-group.js';
import { measureWaking } from './waking-group.js';

const groups: Readonly<Record<string, () => Promise<object>>> = {
  host: measureHost,
  framework: measureFramework,
  idle: async () => ({
    ...(await measureIdle()),
    sleeping: await measureSleeping(),
    waking: await measureWaking(),
  }),
  waking: measureWaking,
  connector: measureConnector,
};
// `waking` is a part of `idle`.
const wanted =
  process.argv.length > 2 ? process.argv.slice(2) : Object.keys(groups).filter((name) => name !== 'waking');
const folder = join(repositoryFolder, '.portico/bench');
mkdirSync(folder, { recursive: true });

for (const name of wanted) {
  const measureGroup = groups[name];
  if (measureGroup === undefined)
    throw new Error(`There is no group ${name}. Groups are: ${Object.keys(groups).join(', ')}.`);
  const results = await measureGroup();
  const file = join(folder, `${new Date().toISOString().replaceAll(':', '-')}-${name}.json`);
  writeFileSync(file, JSON.stringify({ node: process.version, ...results }, null, 2));
  console.log(`written to ${file}`);
}
