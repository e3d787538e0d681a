/**
 * Runs the host with the sample applications and asks each of them once: `node dist/test/support/smoke.js`. For the
 * Node versions that do not run the whole suite.
 */
import { join } from 'node:path';
import { TestHost } from '#test/support/host.js';
import { repositoryFolder } from '#test/support/paths.js';

/** Pages that are asked for, where it is not the first one. */
const PATHS: Readonly<Record<string, string>> = { ROOT: '/', members: '/members/login' };

const samples = ['ROOT', 'hello', 'guestbook', 'members', 'notes', 'chat', 'docs'];
const apps = Object.fromEntries(samples.map((name) => [name, join(repositoryFolder, 'apps', name)]));
const host = await TestHost.start({ apps });
let failures = 0;
for (const name of samples) {
  const path = PATHS[name] ?? `/${name}/`;
  const response = await host.get(path);
  await response.arrayBuffer();
  if (response.status !== 200) failures++;
  console.log(`Node ${process.version}: ${path} ${response.status}`);
}
const code = await host.stop();
console.log(`Node ${process.version}: stopped with ${code}`);
process.exit(failures === 0 && code === 0 ? 0 : 1);
