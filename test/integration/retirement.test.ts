import { existsSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { TestHost } from '#test/support/host.js';
import { until } from '#test/support/polling.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';
import { NetworkWebSocket } from '#test/support/web-socket-client.js';

/** High, so that whoever waits for it is seen. */
const DRAIN_MS = 120_000;

/** Writes down what happens to it. `/wait` answers when the file named by RELEASE is there. */
const live = (version: number): Record<string, string> => ({
  'application.yaml': 'portico: { application: { modules: [live.mjs#live] } }\n',
  'live.mjs': `import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import {
  ApplicationStopPreparing, ApplicationStopped, ApplicationStopping, routing,
} from 'portico';
import { SSE, sse } from 'portico/plugins/sse';
import { WebSockets, webSocket } from 'portico/plugins/web-sockets';
const note = (what) => appendFileSync(process.env.NOTES, '${version} ' + what + '\\n');
export function live(application) {
  application.install(SSE, (config) => { config.heartbeatMs = 50; });
  application.install(WebSockets);
  for (const event of [ApplicationStopPreparing, ApplicationStopping, ApplicationStopped])
    application.monitor.subscribe(event, () => note(event.name));
  routing(application, (r) => {
    r.get('/', () => 'version ${version}');
    r.get('/wait', async () => {
      note('waiting');
      while (!existsSync(process.env.RELEASE)) await delay(10);
      note('waited');
      return 'waited ${version}';
    });
    sse(r, '/events', async (session) => {
      await session.send('version ${version}');
      await new Promise((resolve) => session.signal.addEventListener('abort', resolve));
      note('events over');
    });
    webSocket(r, '/socket', async (session) => {
      await session.send('version ${version}');
      for await (const _ of session.incoming);
      note('socket over');
    });
  });
}
`,
});

describe('an application with answers that have no end of their own', () => {
  let host: TestHost;
  let folder: TemporaryFolder;

  beforeEach(async () => {
    folder = new TemporaryFolder();
    host = await TestHost.start({
      apps: { live: live(1) },
      config: `shutdownTimeout: ${DRAIN_MS}ms
applications:
  drain: { timeout: ${DRAIN_MS}ms }
  probation: { window: 0s }
  env: { NOTES: "${folder.at('notes')}", RELEASE: "${folder.at('release')}" }
`,
    });
  });

  afterEach(async () => {
    await host.stop();
    folder.remove();
  });

  const notes = (version = 1): string[] =>
    existsSync(folder.at('notes'))
      ? readFileSync(folder.at('notes'), 'utf8')
          .trimEnd()
          .split('\n')
          .filter((line) => line.startsWith(`${version} `))
          .map((line) => line.slice(2))
      : [];

  /** Opens a stream, a WebSocket and a request that waits; resolves when the application has all three. */
  async function open(): Promise<Open> {
    const events = await host.get('/live/events');
    const socket = await NetworkWebSocket.open(host.url('/live/socket'));
    expect(await socket.receive()).toBe('version 1');
    const waiting = host.text('/live/wait');
    await until('the request is in flight', () => notes().includes('waiting') || undefined);
    return { events: events.text(), socket, waiting };
  }

  it('swaps under load: streams end, requests in flight finish, nothing fails', async () => {
    const { events, socket, waiting } = await open();
    const load = new Load(host);
    const began = performance.now();
    host.drop('live', live(2));
    // While a request is in flight the old version goes on; what has no end of its own is over all the same.
    expect(await events).toContain('data: version 1\n\n');
    expect(await socket.closed).toBe(1012);
    expect(notes()).not.toContain('ApplicationStopping');
    await until('the new version serves', async () => load.last === 'version 2' || undefined);
    folder.write('release', {});
    expect(await waiting).toBe('waited 1');
    await until('the old version is over', () => notes().includes('ApplicationStopped') || undefined);
    expect(performance.now() - began).toBeLessThan(DRAIN_MS / 2);
    expect(await load.end()).toEqual(['version 1', 'version 2']);
    expectOrder(notes());
    expect(notes(2)).not.toContain('ApplicationStopPreparing');
  });

  it('ends them when it is stopped by hand', async () => {
    const { events, socket, waiting } = await open();
    const began = performance.now();
    const stopped = host.admin('/v1/applications/live/stop', 'POST');
    await events;
    expect(await socket.closed).toBe(1001);
    folder.write('release', {});
    expect(await waiting).toBe('waited 1');
    expect((await stopped).status).toBe(200);
    expect(performance.now() - began).toBeLessThan(DRAIN_MS / 2);
    expectOrder(notes());
  });

  it('ends them when the host stops, which is in order', async () => {
    const { events, socket, waiting } = await open();
    const began = performance.now();
    const stopped = host.end();
    await events;
    expect(await socket.closed).toBe(1001);
    folder.write('release', {});
    expect(await waiting).toBe('waited 1');
    expect(await stopped).toBe(0);
    expect(performance.now() - began).toBeLessThan(DRAIN_MS / 2);
    expectOrder(notes());
  });
});

interface Open {
  readonly events: Promise<string>;
  readonly socket: NetworkWebSocket;
  readonly waiting: Promise<string>;
}

/** Preparing before anything ends, each event once, Stopping when nothing is in flight any more. */
function expectOrder(notes: readonly string[]): void {
  const events = notes.filter((note) => note.startsWith('Application'));
  expect(events).toEqual(['ApplicationStopPreparing', 'ApplicationStopping', 'ApplicationStopped']);
  expect(notes).toEqual(expect.arrayContaining(['events over', 'socket over', 'waited']));
  const at = (note: string): number => notes.indexOf(note);
  expect(at('ApplicationStopPreparing')).toBeLessThan(notes.lastIndexOf('events over'));
  expect(at('ApplicationStopPreparing')).toBeLessThan(at('waited'));
  expect(notes.slice(-2)).toEqual(['ApplicationStopping', 'ApplicationStopped']);
}

/** Requests, streams and WebSockets one after the other, none of which may be refused at any time. */
class Load {
  last = '';
  readonly #seen = new Set<string>();
  readonly #workers: Promise<unknown>;
  #isOver = false;

  constructor(host: TestHost) {
    const works = [this.#request, this.#request, this.#request, this.#stream, this.#webSocket];
    const workers = works.map(async (work) => {
      while (!this.#isOver) await work(host);
    });
    this.#workers = Promise.all(workers);
    // Told by `end`.
    this.#workers.catch(() => undefined);
  }

  /** Everything that was answered, each text once. Rejects when a request failed. */
  async end(): Promise<string[]> {
    this.#isOver = true;
    await this.#workers;
    return [...this.#seen].sort();
  }

  readonly #request = async (host: TestHost): Promise<void> => {
    const response = await host.get('/live/');
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${response.status} ${text}`);
    this.#seen.add(text);
    this.last = text;
  };

  readonly #stream = async (host: TestHost): Promise<void> => {
    const response = await host.get('/live/events');
    if (response.status !== 200) throw new Error(`a stream was answered with ${response.status}`);
    await response.body?.cancel();
  };

  readonly #webSocket = async (host: TestHost): Promise<void> => {
    const { socket, closed } = await NetworkWebSocket.open(host.url('/live/socket'));
    socket.close();
    await closed;
  };
}
