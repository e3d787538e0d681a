import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestHost } from '#test/support/host.js';
import { until } from '#test/support/polling.js';

const app = {
  'package.json': '{ "type": "module", "main": "app.js" }',
  'app.js': `let held;
export default (request, response) => {
  if (request.url === '/hold') { held = response; return; }
  if (request.url === '/release') held?.end('held');
  response.end('served');
};`,
};

let host: TestHost;
beforeAll(async () => {
  host = await TestHost.start({ apps: { app } });
});
afterAll(async () => {
  await host.stop();
});

const isReady = async (): Promise<boolean> => (await host.admin('/health/ready')).status === 200;
const post = async (path: string): Promise<number> => (await host.admin(path, 'POST')).status;

describe('a host that is suspended', () => {
  it('is not ready, answers new requests with 503, finishes those it has, and serves again', async () => {
    const held = host.text('/app/hold');
    await until('the request is there', async () =>
      (await (await host.admin('/metrics')).text()).includes(
        'portico_requests_in_flight{application="app",context="/app"} 1',
      ),
    );
    expect(await post('/v1/server/suspend')).toBe(204);
    expect(await post('/v1/server/suspend')).toBe(204);
    expect(await isReady()).toBe(false);
    expect((await host.admin('/health/live')).status).toBe(200);
    for (const path of ['/app/', '/nowhere']) {
      const refused = await host.get(path);
      expect([refused.status, refused.headers.get('retry-after'), refused.headers.get('connection')]).toEqual(
        [503, '30', 'close'],
      );
    }
    const { server } = (await (await host.admin('/v1/server')).json()) as {
      server: { fronts: { pid: number }[] };
    };
    expect(server).toMatchObject({ suspended: true });
    expect(await post('/v1/server/resume')).toBe(204);
    expect(await isReady()).toBe(true);
    expect(await host.text('/app/release')).toBe('served');
    expect(await held).toBe('held');
    const events = await (await host.admin('/v1/events')).text();
    expect(events).toContain('"suspended"');
    expect(events).toContain('"resumed"');
  });

  it('stays so when a front is replaced', async () => {
    expect(await post('/v1/server/suspend')).toBe(204);
    const fronts = async () =>
      (
        (await (await host.admin('/v1/server')).json()) as {
          server: { fronts: { pid: number; state: string }[] };
        }
      ).server.fronts;
    const [before] = await fronts();
    process.kill(before?.pid ?? 0, 'SIGKILL');
    await until('there is another front', async () => {
      const [now] = await fronts();
      return now?.pid !== before?.pid && now?.state === 'running';
    });
    expect((await host.get('/app/')).status).toBe(503);
    await post('/v1/server/resume');
    expect(await host.text('/app/')).toBe('served');
  });
});

describe('a connector that is paused', () => {
  it('lets connections wait, and serves them when it is resumed', async () => {
    expect(await post('/v1/connectors/nowhere/pause')).toBe(404);
    expect(await post('/v1/connectors/http/pause')).toBe(204);
    expect(await post('/v1/connectors/http/pause')).toBe(204);
    const { server } = (await (await host.admin('/v1/server')).json()) as {
      server: { connectors: readonly object[] };
    };
    expect(server.connectors).toEqual([expect.objectContaining({ name: 'http', isPaused: true })]);
    const socket = connect(host.port, '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk) => {
      answer += String(chunk);
    });
    socket.write('GET /app/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    // The system has taken the connection, and nobody has accepted it.
    await until('it is connected', () => !socket.connecting);
    await host.admin('/metrics');
    expect(answer).toBe('');
    expect(await post('/v1/connectors/http/resume')).toBe(204);
    await until('it is answered', () => answer.includes('served'));
    socket.destroy();
  });

  it('ends the connections that are open behind their next answer', async () => {
    const socket = connect(host.port, '127.0.0.1');
    let answers = '';
    socket.on('data', (chunk) => {
      answers += String(chunk);
    });
    socket.write('GET /app/ HTTP/1.1\r\nHost: x\r\n\r\n');
    await until('it is answered', () => answers.includes('served'));
    expect(answers).not.toMatch(/connection: close/i);
    await post('/v1/connectors/http/pause');
    socket.write('GET /app/ HTTP/1.1\r\nHost: x\r\n\r\n');
    await until('it is closed', () => socket.closed || socket.readableEnded);
    expect(answers).toMatch(/connection: close/i);
    await post('/v1/connectors/http/resume');
  });
});
