import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ListeningSocket } from '#host/server/listening-socket.js';
import { fixturesFolder } from '#test/support/paths.js';
import { until } from '#test/support/polling.js';

const children: ChildProcess[] = [];
const sockets: ListeningSocket[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const socket of sockets.splice(0)) socket.close();
});

async function open(port = 0, host = '127.0.0.1'): Promise<ListeningSocket> {
  const socket = await ListeningSocket.open('http', host, port);
  sockets.push(socket);
  return socket;
}

async function accept(socket: ListeningSocket): Promise<ChildProcess> {
  const child = fork(join(fixturesFolder, 'fronts/fixture-front.mjs'), [], { stdio: 'inherit' });
  children.push(child);
  await once(child, 'message');
  expect(await socket.sendTo(child, { type: 'listen', connector: 'http' })).toBe(true);
  await once(child, 'message');
  return child;
}

const fetchText = async (port: number): Promise<string> => (await fetch(`http://127.0.0.1:${port}/`)).text();

describe('a listening socket', () => {
  it('knows its port and lets clients connect before anyone accepts', async () => {
    const socket = await open();
    expect(socket.port).toBeGreaterThan(0);
    const waiting = fetchText(socket.port);
    await accept(socket);
    expect(JSON.parse(await waiting)).toMatchObject({ version: null });
  });

  it.each([
    ['the same address', '127.0.0.1', '127.0.0.1'],
    ['every address', '0.0.0.0', '127.0.0.1'],
    ['one address, when all are wanted', '127.0.0.1', '0.0.0.0'],
  ])('reports a port on which another program listens on %s', async (_, theirs, ours) => {
    const other = createServer().listen(0, theirs);
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await expect(open(port, ours)).rejects.toMatchObject({
      code: 'PORTICO_PORT_IN_USE',
      message: expect.stringContaining(`Connector http cannot listen on ${ours}:${port}`),
    });
    other.close();
    await once(other, 'close');
    expect((await open(port, ours)).port).toBe(port);
  });

  it('has the address to itself even while no front listens', async () => {
    const { port } = await open();
    await expect(open(port)).rejects.toMatchObject({ code: 'PORTICO_PORT_IN_USE' });
    const other = createServer();
    other.listen(port, '127.0.0.1');
    expect(await once(other, 'error')).toMatchObject([{ code: 'EADDRINUSE' }]);
  });

  it('gives one of two at the same moment the port, the other an error', async () => {
    const { port } = await open();
    sockets.splice(0)[0]?.close();
    const outcomes = await Promise.allSettled([open(port), open(port)]);
    expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it.each([
    ['192.0.2.1', 'PORTICO_ADDRESS_UNAVAILABLE'],
    ['no-such-host.invalid', 'PORTICO_ADDRESS_UNAVAILABLE'],
  ])('reports the address %s as %s', async (host, code) => {
    await expect(open(0, host)).rejects.toMatchObject({ code });
  });

  it('refuses connections after close', async () => {
    const socket = await open();
    sockets.splice(0);
    socket.close();
    const client = connect(socket.port, '127.0.0.1');
    expect(await once(client, 'error')).toMatchObject([{ code: 'ECONNREFUSED' }]);
  });

  it('refuses no connection when the accepting process is killed under load', async () => {
    const socket = await open();
    let front = await accept(socket);
    let isOver = false;
    const tally = { answered: 0, cut: 0, refused: 0 };
    const request = async (): Promise<void> => {
      while (!isOver) tally[await requestOnce(socket.port)] += 1;
    };
    const clients = Array.from({ length: 16 }, request);
    for (let round = 0; round < 3; round += 1) {
      const before = tally.answered;
      await until('it answers', () => tally.answered >= before + 50);
      front.kill('SIGKILL');
      await once(front, 'exit');
      front = await accept(socket);
    }
    isOver = true;
    await Promise.all(clients);
    expect(tally.refused).toBe(0);
    expect(tally.answered).toBeGreaterThan(150);
    // Only what was on its way in the killed process is lost.
    expect(tally.cut).toBeLessThanOrEqual(3 * 16);
  });
});

/** One request on a connection of its own. */
function requestOnce(port: number): Promise<'answered' | 'cut' | 'refused'> {
  return new Promise((resolve) => {
    const client = connect(port, '127.0.0.1');
    let answer = '';
    let isRefused = false;
    client.on('data', (chunk) => {
      answer += chunk;
    });
    client.on('error', (error: NodeJS.ErrnoException) => {
      isRefused = error.code === 'ECONNREFUSED';
    });
    client.on('close', () => {
      if (isRefused) resolve('refused');
      else resolve(answer.endsWith('}') ? 'answered' : 'cut');
    });
    client.write('GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n');
  });
}
