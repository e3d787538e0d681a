import { writeFileSync } from 'node:fs';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { type Application, ConsoleLog, EventDefinition, Events } from 'portico';
import { TestClient } from 'portico/testing';
import { LIFECYCLE_EVENTS } from '#host/application/application-events.js';
import { ServletApplicationEngine } from '#host/engine/servlet/servlet-application-engine.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';
import { readVectors } from '#test/support/vectors.js';

interface ModuleCase {
  readonly name: string;
  readonly suspends?: boolean;
  readonly throws?: boolean;
  /** Which of its runs fail, from 1. */
  readonly throwsOnLoad?: readonly number[];
}
interface LifecycleCase {
  readonly name: string;
  readonly startup?: 'sequential' | 'concurrent';
  readonly modules?: readonly ModuleCase[];
  readonly throwingHandlers?: readonly string[];
  readonly steps?: readonly string[];
  readonly development?: boolean;
  readonly watch?: boolean;
  readonly expectAfter?: Readonly<
    Record<string, { readonly moduleCalls: number; readonly applicationAvailable: boolean }>
  >;
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

const { cases } = readVectors<{ cases: LifecycleCase[] }>('lifecycle-events');

const EVENTS = new Map<string, EventDefinition<never>>(
  LIFECYCLE_EVENTS.map((event) => [
    event.name.replace('Application', ''),
    event as unknown as EventDefinition<never>,
  ]),
);

describe('vectors lifecycle-events', () => {
  let engine: ServletApplicationEngine | undefined;
  afterEach(() => engine?.stop(0));

  const folder = new TemporaryFolder();
  afterAll(() => folder.remove());
  const watched = folder.at('module.js');
  let touches = 0;
  const touch = (): void => writeFileSync(watched, `// ${'x'.repeat(++touches)}`);

  async function step(name: string, { handle }: ServletApplicationEngine): Promise<void> {
    if (name === 'start' || name === 'deploy') await engine?.start();
    else if (name === 'stop' || name === 'undeploy') await engine?.stop();
    else if (name === 'touchWatched') touch();
    else if (name === 'request') await new TestClient(handle).get('/');
    else throw new Error(`unknown step ${name}`);
  }

  const isAvailable = (): boolean => {
    try {
      return engine?.application !== undefined;
    } catch {
      // That is how an engine without application tells it.
      return false;
    }
  };

  const engineCases = cases.filter((one) => one.steps !== undefined);

  it.each(engineCases)('$name', async (one) => {
    touch();
    const events: string[] = [];
    let moduleCalls = 0;
    const modules = (one.modules ?? []).map((module) => async (_application: Application) => {
      if (module.suspends === true) await new Promise((resolve) => setImmediate(resolve));
      moduleCalls++;
      if (module.throwsOnLoad?.includes(moduleCalls) === true) throw new Error(`module ${module.name}`);
      if (module.throws === true) throw new Error(`module ${module.name}`);
      events.push(`module:${module.name}`);
    });
    engine = new ServletApplicationEngine({
      environment: {
        log: new ConsoleLog('silent'),
        developmentMode: one.development ?? false,
        watchPaths: one.watch === true ? [watched] : [],
      },
      contextPath: '',
      modules,
      startup: one.startup,
    });
    for (const [name, definition] of EVENTS)
      engine.monitor.subscribe(definition, () => {
        events.push(name);
        if (one.throwingHandlers?.includes(name) === true) throw new Error(`handler of ${name}`);
      });

    for (const [index, name] of (one.steps ?? []).entries()) {
      const done = step(name, engine);
      if (one.expectError?.step === index) await expect(done).rejects.toThrow();
      else await done;
      const expected = one.expectAfter?.[index];
      if (expected !== undefined)
        expect({ moduleCalls, applicationAvailable: isAvailable() }).toEqual(expected);
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
