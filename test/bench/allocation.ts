import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import type { Readable } from 'node:stream';
import { printedPort, stopped } from './alone.js';
import { type Line, lineServer } from './line.js';
import { load, postOf } from './load.js';

/** What one request allocates, in bytes. */
export interface Allocation {
  /** On the JavaScript heap. */
  readonly heap: number;
  /** Outside of it: buffers. */
  readonly external: number;
}

/** As told by `subjects/lines/server.mjs`. */
interface Memory {
  readonly heapUsed: number;
  readonly external: number;
  readonly collections: number;
}

/** The young generation is this large, so that no collection falls into the requests that are counted. */
const SEMI_SPACE_MIB = 256;
const ATTEMPTS = 5;
const CONNECTIONS = 8;

/**
 * What a warm server allocates for a request of a line: the growth of its heap between two looks, over a number of
 * requests so small that nothing is collected in between; a try with a collection is thrown away and made with fewer.
 * Undefined when that never succeeded.
 */
export async function measureAllocation(subject: string, line: Line): Promise<Allocation | undefined> {
  const flags = [
    '--expose-gc',
    `--min-semi-space-size=${SEMI_SPACE_MIB}`,
    `--max-semi-space-size=${SEMI_SPACE_MIB}`,
  ];
  const child = spawn(process.execPath, [...flags, ...lineServer(subject, line.name)], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  try {
    const url = `http://127.0.0.1:${await printedPort(child.stdout as Readable)}/${line.path}`;
    await load(url, line.connections, 2, line.kind);
    let count = line.kind === 'get' ? 4000 : 32;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      // Opens the connections, so that they are not counted.
      await ask(url, line, agent, CONNECTIONS * 2);
      const before = await memoryOf(child, 'collect');
      await ask(url, line, agent, count);
      const after = await memoryOf(child, 'look');
      if (after.collections === before.collections)
        return {
          heap: Math.round((after.heapUsed - before.heapUsed) / count),
          external: Math.round((after.external - before.external) / count),
        };
      count = Math.ceil(count / 2);
    }
    return undefined;
  } finally {
    agent.destroy();
    await stopped(child);
  }
}

async function memoryOf(child: ChildProcess, message: 'collect' | 'look'): Promise<Memory> {
  child.send(message);
  const [memory] = (await once(child, 'message')) as [Memory];
  return memory;
}

async function ask(url: string, line: Line, agent: Agent, count: number): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await askOnce(url, line, agent);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
}

function askOnce(url: string, { kind }: Line, agent: Agent): Promise<void> {
  const { body, ...options } = kind === 'post' ? postOf(kind) : { body: undefined };
  return new Promise((resolve, reject) => {
    request(url, { ...options, agent }, (response) => {
      response.resume().on('end', resolve);
    })
      .on('error', reject)
      .end(body);
  });
}
