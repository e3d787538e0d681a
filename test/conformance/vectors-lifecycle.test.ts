import { afterEach, describe, expect, it } from '@jest/globals';
import {
  type Application,
  ApplicationModulesLoaded,
  ApplicationModulesLoading,
  ApplicationStarted,
  ApplicationStarting,
  ApplicationStopPreparing,
  ApplicationStopped,
  ApplicationStopping,
  applicationEnvironment,
  ConsoleLog,
  EventDefinition,
  Events,
  ServerReady,
} from 'portico';
import { ServletApplicationEngine } from '#host/engine/servlet/servlet-application-engine.js';
import { readVectors } from '#test/support/vectors.js';

interface ModuleCase {
  readonly name: string;
  readonly suspends?: boolean;
  readonly throws?: boolean;
}
interface LifecycleCase {
  readonly name: string;
  readonly startup?: 'sequential' | 'concurrent';
  readonly modules?: readonly ModuleCase[];
  readonly throwingHandlers?: readonly string[];
  readonly steps?: readonly string[];
  readonly bindFails?: boolean;
  readonly expectEvents?: readonly string[];
  readonly expectIncludes?: readonly string[];
  readonly expectCounts?: Readonly<Record<string, number>>;
  readonly expectError?: { readonly step: number };
  readonly raise?: readonly { readonly throws?: string; readonly ok?: string }[];
  readonly expectRaise?: {
    readonly ran: readonly string[];
    readonly error?: string;
    readonly suppressed?: readonly string[];
  };
}

const skips = readVectors<{ 'lifecycle-events': { steps: string[] } }>('skips')['lifecycle-events'];
const { cases } = readVectors<{ cases: LifecycleCase[] }>('lifecycle-events');

const EVENTS = new Map<string, EventDefinition<never>>(
  [
    ApplicationStarting,
    ApplicationModulesLoading,
    ApplicationModulesLoaded,
    ApplicationStarted,
    ServerReady,
    ApplicationStopPreparing,
    ApplicationStopping,
    ApplicationStopped,
  ].map((event) => [event.name.replace('Application', ''), event as unknown as EventDefinition<never>]),
);

describe('vectors lifecycle-events', () => {
  let engine: ServletApplicationEngine | undefined;
  afterEach(() => engine?.stop(0));

  const isRunnable = ({ steps }: LifecycleCase): boolean =>
    !(steps ?? []).some((step) => skips.steps.includes(step));
  const engineCases = cases.filter((one) => one.steps !== undefined && isRunnable(one));

  it('skips only the case with reload', () => {
    expect(cases.filter((one) => !isRunnable(one)).length).toBe(1);
  });

  it.each(engineCases)('$name', async (one) => {
    const events: string[] = [];
    const modules = (one.modules ?? []).map((module) => async (_application: Application) => {
      if (module.suspends === true) await new Promise((resolve) => setImmediate(resolve));
      if (module.throws === true) throw new Error(`module ${module.name}`);
      events.push(`module:${module.name}`);
    });
    engine = new ServletApplicationEngine({
      environment: applicationEnvironment({ log: new ConsoleLog('silent') }),
      contextPath: '',
      modules,
      startup: one.startup,
    });
    for (const [name, definition] of EVENTS)
      engine.application.monitor.subscribe(definition, () => {
        events.push(name);
        if (one.throwingHandlers?.includes(name) === true) throw new Error(`handler of ${name}`);
      });

    for (const [index, step] of (one.steps ?? []).entries()) {
      const done = step === 'start' || step === 'deploy' ? engine.start() : engine.stop();
      if (one.expectError?.step === index) await expect(done).rejects.toThrow();
      else await done;
    }
    if (one.expectEvents !== undefined) expect(events).toEqual(one.expectEvents);
    expect(events).toEqual(expect.arrayContaining([...(one.expectIncludes ?? [])]));
    for (const [name, count] of Object.entries(one.expectCounts ?? {}))
      expect(events.filter((event) => event === name).length).toBe(count);
  });

  it.each(cases.filter(({ raise }) => raise !== undefined))('$name', ({ raise, expectRaise }) => {
    const event = new EventDefinition<undefined>('Test');
    const events = new Events();
    const ran: string[] = [];
    for (const { throws, ok } of raise ?? [])
      events.subscribe(event, () => {
        ran.push(throws ?? ok ?? '');
        if (throws !== undefined) throw new Error(throws);
      });
    let error: (Error & { suppressed?: Error[] }) | undefined;
    try {
      events.raise(event, undefined);
    } catch (thrown) {
      error = thrown as Error;
    }
    expect(ran).toEqual(expectRaise?.ran);
    expect(error?.message).toBe(expectRaise?.error);
    expect(error?.suppressed?.map(({ message }) => message)).toEqual(expectRaise?.suppressed);
  });
});
