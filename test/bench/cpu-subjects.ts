import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CONNECTOR_LINES } from './connector-lines.js';
import { LINES } from './line.js';
import type { LoadKind } from './load.js';
import { childrenOf, commandOf } from './memory.js';
import { makePeerCertificate } from './peer-certificate.js';

/** What is loaded, and the processes that serve it by name. */
export interface CpuSubject {
  readonly url: string;
  readonly kind?: LoadKind;
  readonly connections?: number;
  readonly processes: Readonly<Record<string, number>>;
  stop(): Promise<unknown>;
}

/**
 * Starts a subject of `cpu.ts`: one of `subjects/alone/server.mjs` (`node`), a bundle in a host of its own (`host:framework`), a
 * line of the group `framework` (`cio:json`, `fastify:json`), or a line of the group `connector` by a part of its name, against a
 * host (`connector:100 KiB`). With `@FOLDER` behind it, the same of another checkout that is built.
 */
export async function startCpuSubject(text: string): Promise<CpuSubject> {
  const [name = '', folder] = text.split('@');
  const bench = await benchOf(folder);
  const line = LINES.find((one) => name.endsWith(`:${one.name}`));
  if (line !== undefined) {
    const subject = name.slice(0, -line.name.length - 1);
    const server = await bench.startServer(bench.lineServer(subject, line.name));
    return { ...server, ...line, url: server.url + line.path, processes: { alone: server.pid } };
  }
  if (name.startsWith('connector:')) return await startConnector(name.slice('connector:'.length), bench);
  if (!name.startsWith('host:')) {
    const alone = await bench.startAlone(name);
    return { ...alone, processes: { alone: alone.pid } };
  }
  const bundle = name.slice('host:'.length);
  if (!existsSync(join(bench.repositoryFolder, 'test/bench/subjects', bundle)))
    throw new Error(`There is no bundle "${bundle}" below test/bench/subjects.`);
  const host = await bench.startHost({ [bundle]: bundle });
  return {
    url: `${host.url}/${bundle}/`,
    processes: processesOf(host.pid),
    stop: () => host.stop(),
  };
}

type Bench = typeof import('./alone.js') &
  typeof import('./host.js') &
  typeof import('./line.js') &
  typeof import('#test/support/paths.js');

/** What starts subjects, of this checkout or of another. */
async function benchOf(folder: string | undefined): Promise<Bench> {
  const tests =
    folder === undefined ? new URL('../', import.meta.url).pathname : resolve(folder, 'dist/test');
  const files = ['bench/alone.js', 'bench/host.js', 'bench/line.js', 'support/paths.js'];
  const modules = await Promise.all(files.map((file) => import(join(tests, file)) as Promise<object>));
  return Object.assign({}, ...modules) as Bench;
}

async function startConnector(word: string, bench: Bench): Promise<CpuSubject> {
  const line = CONNECTOR_LINES.find((one) => one.over !== 'http2' && one.name.includes(word));
  if (line === undefined || word === '') {
    const known = CONNECTOR_LINES.map((one) => one.name).join(', ');
    throw new Error(`There is no line "${word}" of HTTP/1.1 in the group connector. Lines are: ${known}.`);
  }
  const host = await bench.startConnectorHost(makePeerCertificate(), 1);
  const base = line.over === 'https' ? host.https : host.http;
  return {
    ...line,
    url: `${base}${line.path}`,
    processes: processesOf(host.pid),
    stop: () => host.stop(),
  };
}

function processesOf(server: number): Readonly<Record<string, number>> {
  const children = childrenOf(server);
  const front = children.find((pid) => commandOf(pid).includes('/front/'));
  const instance = children.find((pid) => commandOf(pid).includes('/instance/'));
  if (front === undefined || instance === undefined) throw new Error(`no front or instance below ${server}`);
  return { front, instance, server };
}
