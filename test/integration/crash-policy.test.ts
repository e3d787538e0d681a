import { readdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Supervisor } from '#host/supervisor/supervisor.js';
import { deploymentSpec, temporaryFolder } from '#test/support/deployment-specs.js';
import { fixtureSupervisor } from '#test/support/fixture-supervisor.js';
import { until } from '#test/support/polling.js';
import { RecordedEvents } from '#test/support/recorded-events.js';

let base: string;
let supervisor: Supervisor;
let events: RecordedEvents;

beforeEach(() => {
  base = temporaryFolder('crash-policy');
  events = new RecordedEvents();
  supervisor = new Supervisor(fixtureSupervisor(base, events.log));
});

afterEach(async () => {
  await supervisor.stop();
  rmSync(base, { recursive: true, force: true });
});

const RESTART = { minDelayMs: 10, maxDelayMs: 50, maxCrashes: 2, windowMs: 60_000 };

describe('what is told of a process that ended by itself', () => {
  it('the stack of its blocked event loop: in the event, the status and the last output', async () => {
    const deployment = supervisor.launch(deploymentSpec({ spinAfterMs: 50 }, { hangTimeoutMs: 1500 }));
    await deployment.ready;
    const crash = await until('it is replaced', () => deployment.status()[0]?.lastCrash);
    expect(crash.stack?.[0]).toMatch(/^at spinsForEver \(.*fixture-agent\.mjs:\d+:\d+\)$/);
    expect(crash).toMatchObject({ signal: 'SIGKILL', reason: 'did not answer for 1.5 s and was killed' });
    expect(crash.lastOutput.join('\n')).toMatch(
      /has not answered for 1\.5 s; it was:\n {4}at spinsForEver \(/,
    );
    const [hang] = events.of('hang');
    expect(hang).toMatchObject({
      application: 'shop##1',
      details: { instance: crash.instance, stack: crash.stack },
    });
  });

  it('that there is no stack, when it does not run', async () => {
    const deployment = supervisor.launch(deploymentSpec({}, { hangTimeoutMs: 1500 }));
    await deployment.ready;
    process.kill(deployment.status()[0]?.pid ?? 0, 'SIGSTOP');
    const crash = await until('it is replaced', () => deployment.status()[0]?.lastCrash);
    expect(crash.stack).toBeUndefined();
    expect(events.of('hang')[0]?.details['problem']).toMatch(/did not answer within 3 s/);
  });

  it('exit code, last output and when it is tried again', async () => {
    const restart = { ...RESTART, minDelayMs: 60_000, maxDelayMs: 60_000 };
    const config = { printError: 'boom\n', exitAfterMs: 20, exitCode: 7 };
    const deployment = supervisor.launch(deploymentSpec(config, { restart }));
    await deployment.ready;
    const status = await until('it waits', () => {
      const [first] = deployment.status();
      return first?.state === 'waiting' ? first : undefined;
    });
    expect(status.lastCrash).toMatchObject({ exitCode: 7, signal: null, lastOutput: ['boom'] });
    expect(Date.parse(status.retryAt ?? '')).toBeGreaterThan(Date.now());
    expect(events.of('crashed')).toMatchObject([{ details: { reason: 'exited with code 7', exitCode: 7 } }]);
  });

  it('what filled its heap, and nothing is left of the report', async () => {
    const deployment = supervisor.launch(deploymentSpec({ fillHeapAfterMs: 20 }, { restart: RESTART }));
    await deployment.ready;
    const folder = dirname(deployment.addresses()[0]?.socketPath ?? '');
    const crash = await until('it has ended', () => deployment.status()[0]?.lastCrash);
    expect(crash.signal).toBe('SIGABRT');
    expect(crash.heap?.usedBytes).toBeGreaterThan(16 * 1024 ** 2);
    expect(crash.heap?.spaces['old_space']).toBeGreaterThan(0);
    expect(events.of('heap-limit')[0]?.details).toMatchObject({
      instance: crash.instance,
      action: 'restart',
    });
    expect(readdirSync(folder).filter((name) => name.includes('report'))).toEqual([]);
  });
});

describe('a place that was given up', () => {
  it('is tried with one process after a time, again and again, while it goes on crashing', async () => {
    const restart = { ...RESTART, retryAfterMs: 100 };
    const deployment = supervisor.launch(deploymentSpec({ exitAfterMs: 20 }, { restart }));
    await deployment.ready;
    await until('it is given up three times', () => events.of('gave-up').length >= 3);
    const order = ['crashed', 'gave-up', 'half-open']
      .flatMap((event) => events.of(event))
      .sort((left, right) => left.number - right.number)
      .map(({ event }) => event);
    // Two crashes open the circuit; from then on one is enough.
    expect(order.slice(0, 8)).toEqual([
      ...['crashed', 'crashed', 'gave-up'],
      ...['half-open', 'crashed', 'gave-up'],
      ...['half-open', 'crashed'],
    ]);
  });

  it('is left alone when that is wished', async () => {
    const restart = { ...RESTART, retryAfterMs: 0 };
    const deployment = supervisor.launch(deploymentSpec({ exitAfterMs: 20 }, { restart }));
    await deployment.ready;
    await until('it is given up', () => events.of('gave-up').length > 0);
    expect(deployment.status()[0]).toMatchObject({ state: 'failed' });
    expect(deployment.status()[0]?.retryAt).toBeUndefined();
  });

  it('is given up at the first crash of a deployment that is a trial', async () => {
    const spec = deploymentSpec({ exitAfterMs: 20 }, { restart: RESTART });
    const deployment = supervisor.launch({ ...spec, isTrial: true });
    await deployment.ready;
    await until('it is given up', () => events.of('gave-up').length > 0);
    expect(events.of('crashed')).toHaveLength(1);
  });
});
