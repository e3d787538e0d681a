import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import WebSocket from 'ws';
import { TestHost } from '#test/support/host.js';
import { until } from '#test/support/polling.js';

const idle = 'portico: { servlet: { idle: { stopAfter: 1s } } }\n';
const files = { 'package.json': '{ "type": "module", "main": "app.js" }', 'application.yaml': idle };
const hello = {
  ...files,
  'app.js': "export default (request, response) => response.end('hello of ' + process.pid);",
};
const echo = {
  ...files,
  'app.js': `import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
const server = createServer((request, response) => response.end('echo'));
new WebSocketServer({ server }).on('connection', (socket) => socket.on('message', (data) => socket.send('echo ' + data)));
server.listen(3000);`,
};

describe('an application that nobody uses', () => {
  let host: TestHost;
  beforeAll(async () => {
    host = await TestHost.start({ apps: { hello, echo } });
  });
  afterAll(async () => {
    await host.stop();
  });

  it('is stopped, and each of the requests that come together then is answered by one new process', async () => {
    const stopped = await host.untilApplication('hello', ({ state }) => state === 'stopped');
    expect(stopped).toMatchObject({ reason: 'it starts with the first request', instances: [] });
    const answers = await Promise.all(Array.from({ length: 10 }, () => host.text('/hello/')));
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toMatch(/^hello of \d+$/);
    await host.untilApplication('hello', ({ state }) => state === 'stopped');
    expect(await host.text('/hello/')).not.toBe(answers[0]);
    const { events } = (await (await host.admin('/v1/events?application=hello')).json()) as {
      events: { event: string }[];
    };
    const names = events.map(({ event }) => event);
    expect(names.filter((name) => name === 'woken').length).toBeGreaterThanOrEqual(2);
    expect(names.filter((name) => name === 'idle-stopped').length).toBeGreaterThanOrEqual(2);
  });

  it('is used as long as a WebSocket is open, even when nothing comes over it', async () => {
    await host.text('/echo/');
    const socket = new WebSocket(host.url('/echo/').replace('http', 'ws'));
    await once(socket, 'open');
    const { instances } = await host.untilApplication('echo', ({ state }) => state === 'running');
    // Longer than it takes to be idle; another application is so meanwhile.
    await host.text('/hello/');
    await host.untilApplication('hello', ({ state }) => state === 'stopped');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect((await host.application('echo'))?.instances[0]?.pid).toBe(instances[0]?.pid);
    const answer = once(socket, 'message');
    socket.send('still here');
    expect(String((await answer)[0])).toBe('echo still here');
    socket.close();
    await until('echo is stopped', async () => (await host.application('echo'))?.state === 'stopped');
  });
});
