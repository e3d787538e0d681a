import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AbortReason } from '#host/exchange/exchange.js';
import { ExchangeClient } from '#host/exchange/exchange-client.js';
import { settle, until, WAIT_MS } from '#test/support/polling.js';
import { headOf, SECRET, temporarySocket } from './ends.js';
import { Recorder } from './recorder.js';

const WINDOW = 256 * 1024;

describe('an instance in a process of its own', () => {
  let socket: ReturnType<typeof temporarySocket>;
  let child: ChildProcess;
  let client: ExchangeClient;
  let messages: unknown[];
  let closed: string[];

  beforeEach(async () => {
    socket = temporarySocket();
    messages = [];
    closed = [];
    const script = fileURLToPath(new URL('./instance-process.js', import.meta.url));
    child = fork(script, [socket.path, SECRET], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child.on('message', (message) => messages.push(message));
    await until('the instance', () => messages.includes('up'));
    client = await ExchangeClient.connect({
      socketPath: socket.path,
      secret: SECRET,
      onClosed: (reason) => closed.push(reason),
    });
  });
  afterEach(async () => {
    client.close();
    if (child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    }
    socket.remove();
  });

  const open = (path: string, changes = {}) => {
    const seen = new Recorder();
    return { seen, exchange: client.open(headOf({ path, ...changes }), path, seen) };
  };

  it('that is killed in mid-body aborts its exchanges with INSTANCE_GONE, after the bytes it sent', async () => {
    const streams = Array.from({ length: 5 }, () => open('/endless'));
    const waiting = open('/silent');
    for (const { seen, exchange } of streams)
      seen.onData = (chunk) => {
        // Most of it is given back, so that the body is still going on when the process dies.
        exchange.consumed(chunk.length);
        seen.chunks.length = 0;
      };
    await until('streaming', () => streams.every(({ seen }) => seen.bytes > 2 * WINDOW));
    child.kill('SIGKILL');
    await until('the end', () => closed.length === 1);
    for (const { seen } of [...streams, waiting]) {
      expect(seen.events.at(-1)).toBe('aborted');
      expect(seen.reason).toBe(AbortReason.INSTANCE_GONE);
    }
    expect([client.isOpen, client.activeExchanges]).toEqual([false, 0]);
  });

  it('that exits in a handler aborts all its exchanges', async () => {
    const other = open('/silent');
    const last = open('/exit');
    await until('the end', () => closed.length === 1);
    expect([other.seen.reason, last.seen.reason]).toEqual([
      AbortReason.INSTANCE_GONE,
      AbortReason.INSTANCE_GONE,
    ]);
  });

  it('that stands still misses pings, and answers what waited when it goes on', async () => {
    child.kill('SIGSTOP');
    const asked = Array.from({ length: 200 }, () => open('/hello').seen);
    await expect(client.ping(100)).rejects.toMatchObject({ code: 'PORTICO_EXCHANGE_TIMEOUT' });
    const impatient = open('/hello');
    impatient.exchange.abort(AbortReason.TIMEOUT);
    expect(client.activeExchanges).toBe(201);
    child.kill('SIGCONT');
    await until('all', () => asked.every((seen) => seen.status === 200));
    await until('the aborted one', () => client.activeExchanges === 0);
    expect(impatient.seen.events).toEqual([]);
    expect(await client.ping(WAIT_MS)).toBeGreaterThan(0);
  });

  it('never sends more than a window that nobody consumed, and stays small itself', async () => {
    child.send('memory');
    await until('memory', () => messages.length === 2);
    const streams = Array.from({ length: 100 }, () => open('/endless').seen);
    await until('the windows', () => streams.every((seen) => seen.bytes === WINDOW));
    await settle(20);
    expect(new Set(streams.map((seen) => seen.bytes))).toEqual(new Set([WINDOW]));
    child.send('memory');
    await until('memory', () => messages.length === 3);
    const [before, after] = messages.slice(1) as { resident: number }[];
    expect((after?.resident ?? Number.NaN) - (before?.resident ?? Number.NaN)).toBeLessThan(48 * 1024 * 1024);
    expect(await client.ping(WAIT_MS)).toBeGreaterThan(0);
  });

  it.each([
    ['the handler', '/throw', 0, 'uncaught: the handler threw'],
    ['the end of a request', '/throw-in-end', 0, 'uncaught: the listener threw'],
    ['data', '/throw-in-data', -1, 'uncaught: the listener threw'],
  ])(
    'whose %s throws aborts that exchange only, and the error surfaces',
    async (_, path, bodyLength, message) => {
      const { seen, exchange } = open(path, { bodyLength });
      const next = open('/hello').seen;
      if (bodyLength < 0) exchange.write(Buffer.from('x'));
      await seen.until('aborted');
      expect(seen.reason).toBe(AbortReason.APPLICATION_ERROR);
      await next.over();
      expect(next.status).toBe(200);
      await until('the error', () => messages.includes(message));
      await until('quiet', () => client.activeExchanges === 0);
    },
  );
});
