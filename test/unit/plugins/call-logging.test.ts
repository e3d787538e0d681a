import { describe, expect, it, jest } from '@jest/globals';
import { ConsoleLog, type Log, logContext, routing } from 'portico';
import { CIO, embeddedServer } from 'portico/embedded';
import { CallId, callId, RejectedCallIdError } from 'portico/plugins/call-id';
import { CallLogging, type CallLoggingConfig } from 'portico/plugins/call-logging';
import { metricsRoute, PrometheusMetrics } from 'portico/plugins/metrics';
import { StatusPages } from 'portico/plugins/status-pages';
import { testApplication } from 'portico/testing';
import { withLogContext } from '#host/application/log-context.js';
import { until } from '#test/support/polling.js';

/** A log that keeps its lines. */
class Lines implements Log {
  readonly tellsCallFacts: boolean = true;
  readonly lines: string[] = [];
  trace = (message: string): void => this.#note('trace', message);
  debug = (message: string): void => this.#note('debug', message);
  info = (message: string): void => this.#note('info', message);
  warn = (message: string): void => this.#note('warn', message);
  error = (message: string): void => this.#note('error', message);

  #note(level: string, message: string): void {
    const facts = [...(logContext() ?? [])].map(([name, value]) => ` ${name}=${value}`).join('');
    this.lines.push(`${level} ${message}${facts}`);
  }
}

async function linesOf(configure: (config: CallLoggingConfig) => void, paths: readonly string[]) {
  const log = new Lines();
  let nowMs = 0;
  const application = await testApplication((app) => {
    app.install(CallId, (config) => {
      config.verify = (id) => {
        if (id === 'evil') throw new RejectedCallIdError();
        return true;
      };
      config.header('X-Id');
    });
    app.install(CallLogging, (config) => {
      config.log = log;
      config.now = () => nowMs;
      configure(config);
    });
    routing(app, (r) => {
      r.get('/', async (call) => {
        nowMs += 12;
        log.debug('inside');
        await call.respondText('x');
      });
      r.get('/moved', (call) => call.respondRedirect('/'));
    });
  });
  const statuses = await Promise.all(
    paths.map(
      async (path) =>
        (await application.client.get(path, { headers: { 'X-Id': path === '/evil' ? 'evil' : '7' } })).status,
    ),
  );
  await application.stop();
  return { lines: log.lines, statuses };
}

describe('CallLogging', () => {
  it('has a line for an answer that the client or the source breaks off', async () => {
    const log = new Lines();
    const server = embeddedServer(CIO, { port: 0, host: '127.0.0.1', log }, (app) => {
      app.install(CallLogging, (config) => {
        config.now = () => 0;
      });
      const registry = app.install(PrometheusMetrics, (config) => {
        config.collectDefaults = false;
      });
      routing(app, (r) => {
        r.get('/endless', (call) =>
          call.respondWriter(async (writer) => {
            for (;;) await writer.write(Buffer.alloc(64 * 1024));
          }),
        );
        r.get('/failing', (call) =>
          call.respondWriter(async (writer) => {
            await writer.write('begun');
            throw new RangeError('no more');
          }),
        );
        metricsRoute(r, '/metrics', registry);
      });
    });
    await server.start();
    const [connector] = await server.resolvedConnectors();
    const url = `http://127.0.0.1:${connector?.port}`;
    const controller = new AbortController();
    const endless = await fetch(`${url}/endless`, { signal: controller.signal });
    await endless.body?.getReader().read();
    controller.abort();
    const failing = await fetch(`${url}/failing`);
    await expect(failing.text()).rejects.toThrow();
    const brokenOff = (path: string) =>
      log.lines.includes(`info 200 OK: GET - ${path} in 0ms, broken off`) || undefined;
    await until('both have their lines', () => brokenOff('/endless') && brokenOff('/failing'));
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain(
      'http_server_requests_seconds_count{method="GET",route="/endless",status="200"} 1',
    );
    await server.stop(0, 2000);
  });

  it('writes a line for each answer, with the facts of the call', async () => {
    const { lines } = await linesOf((config) => config.mdc('path', (call) => call.localPath), ['/']);
    expect(lines).toEqual(['debug inside callId=7 path=/', 'info 200 OK: GET - / in 12ms callId=7 path=/']);
  });

  it('says where a redirect leads, and what nobody has answered', async () => {
    const { lines } = await linesOf(() => undefined, ['/moved', '/nowhere']);
    expect(lines).toEqual([
      'info 302 Found: GET - /moved -> / in 0ms callId=7',
      'info 404 Not Found: GET - /nowhere in 0ms callId=7',
    ]);
  });

  it('leaves out what no filter takes, and has another level', async () => {
    const { lines } = await linesOf(
      (config) => {
        config.level = 'warn';
        config.filter((call) => call.localPath === '/moved');
        config.format = (call, durationMs) => `${call.sentStatus} ${durationMs}`;
      },
      ['/nowhere', '/moved'],
    );
    expect(lines).toEqual(['warn 302 0 callId=7']);
  });

  it('is not disturbed by a refused id, which is 400', async () => {
    const { statuses } = await linesOf(() => undefined, ['/evil']);
    expect(statuses).toEqual([400]);
  });

  it('is not disturbed by a log of the console', () => {
    expect(() => new ConsoleLog('silent').info('x')).not.toThrow();
  });

  it('has facts in one line, whatever clients write', () => {
    const written = jest.spyOn(console, 'log').mockImplementation(() => undefined);
    try {
      withLogContext(new Map([['user', 'eve\r\nINFO all is well\u0085\u2028']]), () =>
        new ConsoleLog().info('hi'),
      );
      expect(written.mock.calls).toEqual([
        ['INFO hi [user=eve\\u000d\\u000aINFO all is well\\u0085\\u2028]'],
      ]);
    } finally {
      written.mockRestore();
    }
  });
});

describe('CallId', () => {
  it.each([
    ['in front of', [CallId, StatusPages]],
    ['behind', [StatusPages, CallId]],
  ])('is in the lines about failures, installed %s what answers them', async (_, order) => {
    const log = new Lines();
    const application = await testApplication(
      (app) => {
        for (const plugin of order)
          if (plugin === CallId) app.install(CallId, (config) => config.header('X-Id'));
          else
            app.install(StatusPages, (config) =>
              config.exception(RangeError, async (call) => {
                await Promise.resolve();
                log.warn('answered');
                return call.respondStatus(500);
              }),
            );
        routing(app, (r) => {
          r.get('/handled', async () => {
            await Promise.resolve();
            throw new RangeError('no');
          });
          r.get('/failed', () => {
            throw new TypeError('no');
          });
        });
      },
      { log },
    );
    await application.client.get('/handled', { headers: { 'X-Id': 'a1' } });
    await application.client.get('/failed', { headers: { 'X-Id': 'a2' } });
    await application.stop();
    expect(log.lines.slice(1, 3)).toEqual([
      'warn answered callId=a1',
      'error 500: GET /failed: no callId=a2',
    ]);
  });

  it('takes no id that is too long, and makes one of the length that is wanted', async () => {
    const application = await testApplication((app) => {
      app.install(CallId, (config) => {
        config.header('X-Id');
        config.generate({ length: 10 });
      });
      routing(app, (r) => r.get('/', (call) => callId(call)));
    });
    const idFor = async (id: string) =>
      (await (await application.client.get('/', { headers: { 'X-Id': id } })).text()).length;
    expect([await idFor('a'.repeat(256)), await idFor('a'.repeat(257)), await idFor('a b')]).toEqual([
      256, 10, 10,
    ]);
    await application.stop();
  });
});
