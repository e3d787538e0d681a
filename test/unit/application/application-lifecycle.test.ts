import { afterEach, describe, expect, it } from '@jest/globals';
import {
  type Application,
  ApplicationCallPipeline,
  ApplicationModulesLoaded,
  ApplicationStarted,
  ApplicationStopped,
  ApplicationStopping,
  applicationEnvironment,
  createRouteScopedPlugin,
  EventDefinition,
  Events,
  type Module,
  routing,
} from 'portico';
import { Application as MadeApplication } from '#host/application/application.js';
import { startApplication, stopApplication } from '#host/application/application-lifecycle.js';
import { until } from '#test/support/polling.js';
import { RecordingLog } from '#test/support/recording-log.js';

describe('the life of an application', () => {
  let log = new RecordingLog();
  afterEach(() => {
    log = new RecordingLog();
  });
  const make = (): Application => new MadeApplication(applicationEnvironment({ log }));

  it('does not go on with the modules when the time of the start is over', async () => {
    let open = (): void => undefined;
    const ran: string[] = [];
    const slow: Module = () =>
      new Promise((resolve) => {
        open = resolve;
      });
    const starting = startApplication(make(), {
      modules: [slow, () => void ran.push('late')],
      startTimeoutMs: 20,
    });
    await expect(starting).rejects.toMatchObject({ code: 'PORTICO_START_TIMEOUT' });
    open();
    await new Promise((resolve) => setImmediate(resolve));
    expect(ran).toEqual([]);
  });

  it.each([
    ['Started', ApplicationStarted],
    ['ModulesLoaded', ApplicationModulesLoaded],
  ])(
    'fails when a handler of %s throws; all others are told, and Stopping and Stopped once',
    async (_, event) => {
      const application = make();
      const told: string[] = [];
      application.monitor.subscribe(event, () => {
        throw new Error('first');
      });
      application.monitor.subscribe(event, () => {
        throw new Error('second');
      });
      application.monitor.subscribe(event, () => void told.push('third'));
      application.monitor.subscribe(ApplicationStopping, () => void told.push('stopping'));
      application.monitor.subscribe(ApplicationStopped, () => void told.push('stopped'));
      await expect(startApplication(application, { modules: [] })).rejects.toMatchObject({
        message: 'first',
        suppressed: [expect.objectContaining({ message: 'second' })],
      });
      expect(told).toEqual(['third', 'stopping', 'stopped']);
    },
  );

  it('logs what the promise of an event handler rejects with', async () => {
    const application = make();
    application.environment.monitor.subscribe(ApplicationStarted, async () => {
      throw new Error('later');
    });
    application.monitor.subscribe(ApplicationStarted, () => Promise.reject(new Error('second')) as never);
    await startApplication(application, { modules: [] });
    await until('both are logged', async () => (log.of('error').length === 2 ? true : undefined));
    expect(log.of('error')[0]).toContain('A handler of the event ApplicationStarted failed: later');
    await stopApplication(application);
  });

  it('closes plugins of routes before those of the application, and goes on when one fails', async () => {
    const closed: string[] = [];
    const plugin = (name: string) =>
      createRouteScopedPlugin(name, {
        createConfig: () => ({ failure: undefined as string | undefined }),
        install: ({ config }) => ({
          close() {
            closed.push(name);
            if (config.failure !== undefined) throw new Error(config.failure);
          },
        }),
      });
    const application = make();
    await startApplication(application, {
      modules: [
        (app) => {
          routing(app, (r) => {
            r.install(plugin('outer'));
            r.get('/a', () => 'a').install(plugin('inner'), (config) => {
              config.failure = 'does not close';
            });
          });
          app.install(plugin('application'));
        },
      ],
    });
    await stopApplication(application);
    expect(closed).toEqual(['inner', 'outer', 'application']);
    expect(log.of('error').join()).toContain('A plugin could not be closed: does not close');
  });

  it('says what is no function, and what is no plugin', async () => {
    const application = make();
    const missing = undefined as never;
    await expect(startApplication(make(), { modules: [missing] })).rejects.toMatchObject({
      code: 'PORTICO_NOT_A_FUNCTION',
      message: expect.stringContaining('A module must be a function, and is undefined.'),
    });
    const code = 'PORTICO_NOT_A_FUNCTION';
    const thrown = (act: () => unknown): unknown => {
      try {
        return act();
      } catch (error) {
        return error;
      }
    };
    expect(thrown(() => routing(application, (r) => void r.get('/x', missing)))).toMatchObject({
      code,
      message: expect.stringContaining('A handler of /x/(method:GET) must be a function'),
    });
    const { Call } = ApplicationCallPipeline;
    expect(thrown(() => application.intercept(Call, missing))).toMatchObject({ code });
    expect(thrown(() => application.monitor.subscribe(ApplicationStarted, missing))).toMatchObject({ code });
    for (const given of [undefined, null, () => undefined, {}, { key: 'x', install: () => undefined }])
      expect(thrown(() => application.install(given as never))).toMatchObject({
        code: 'PORTICO_NOT_A_PLUGIN',
      });
    expect(thrown(() => application.intercept(missing, () => undefined))).toMatchObject({
      code: 'PORTICO_INVALID_PHASE',
    });
  });
});

describe('Events', () => {
  const Happened = new EventDefinition<string>('Happened');

  it('takes back one subscription of a handler that has subscribed twice', () => {
    const events = new Events();
    const told: string[] = [];
    const handler = (payload: string): void => void told.push(payload);
    const takeBack = events.subscribe(Happened, handler);
    events.subscribe(Happened, handler);
    takeBack();
    events.raise(Happened, 'a');
    events.unsubscribe(Happened, handler);
    events.raise(Happened, 'b');
    expect(told).toEqual(['a']);
    expect(events.isWatched(Happened)).toBe(false);
  });

  it('tells those who had subscribed when it was raised, also when one of them takes itself back', () => {
    const events = new Events();
    const told: string[] = [];
    const takeBack = events.subscribe(Happened, () => {
      told.push('first');
      takeBack();
      events.subscribe(Happened, () => void told.push('new'));
    });
    events.subscribe(Happened, () => void told.push('second'));
    events.raise(Happened, '');
    expect(told).toEqual(['first', 'second']);
  });
});
