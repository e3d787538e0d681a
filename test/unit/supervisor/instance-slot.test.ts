import { afterEach, describe, expect, it } from '@jest/globals';
import type { DeploymentSpec } from '#host/supervisor/deployment-process.js';

import { InstanceSlot } from '#host/supervisor/instance-slot.js';
import type { SlotProcess } from '#host/supervisor/slot-process.js';
import { until } from '#test/support/polling.js';

/** Stands in for a process that is ready at once, and ends when it is told. */
class StandInProcess implements SlotProcess {
  readonly ready = Promise.resolve(true);
  readonly gone: Promise<Awaited<SlotProcess['gone']>>;
  readonly startedAt = '';
  readonly pid = 1;
  readonly stats = undefined;
  readonly kind = undefined;
  readonly address;
  hasExited = false;
  #end: (end: Awaited<SlotProcess['gone']>) => void = () => undefined;

  constructor(incarnation: number) {
    this.address = { instance: `shop/1#${incarnation}`, socketPath: '', secret: '' };
    this.gone = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  prepareStop(): void {
    // It has nothing in flight.
  }

  async stop(): Promise<void> {
    this.kill('was stopped');
  }

  kill(reason: string): void {
    this.hasExited = true;
    this.#end({ reason, exitCode: null, signal: 'SIGKILL', failure: undefined });
  }
}

describe('a place whose processes have to pass before they get requests', () => {
  const slots: InstanceSlot[] = [];
  afterEach(async () => {
    for (const slot of slots.splice(0)) await slot.stop();
  });

  const make = (admission: () => DeploymentSpec['admit']) => {
    const said: string[] = [];
    const processes: StandInProcess[] = [];
    const slot = new InstanceSlot({
      spawn: (incarnation) => {
        const process = new StandInProcess(incarnation);
        processes.push(process);
        return process;
      },
      ended: () => undefined,
      restart: { minDelayMs: 1, maxDelayMs: 1, maxCrashes: 5, windowMs: 1000 },
      stopTimeoutMs: 1000,
      admission,
      observer: {
        changed: () => void said.push(`running ${slot.running?.address.instance}`),
        crashed: () => [],
        restarting: () => undefined,
        unhealthy: (instance, reason) => void said.push(`${instance} unhealthy: ${reason}`),
        gaveUp: () => undefined,
        halfOpen: () => undefined,
      },
    });
    slots.push(slot);
    return { slot, said, processes };
  };

  it('asks what takes the place of another as long as it lives, and says so once', async () => {
    let asked = -1;
    const { slot, said, processes } = make(() =>
      asked < 0
        ? undefined
        : async () => {
            asked += 1;
            if (asked < 3) throw new Error('status 500');
          },
    );
    expect(await slot.start()).toBeUndefined();
    expect(slot.running?.address.instance).toBe('shop/1#1');
    asked = 0;
    processes[0]?.kill('crashed');
    await until('it is asked', () => asked > 0);
    expect(slot.running).toBeUndefined();
    await until('it has passed', () => slot.running !== undefined);
    expect([asked, processes.length]).toEqual([3, 2]);
    expect(said).toEqual(['running undefined', 'shop/1#2 unhealthy: status 500', 'running shop/1#2']);
  });

  it('does not use one more that does not pass', async () => {
    const { slot, processes } = make(() => async () => {
      throw new Error('status 500');
    });
    const failure = await slot.start();
    expect(failure?.message).toMatch(/was not healthy and is not used \(status 500\)/);
    expect(processes[0]?.hasExited).toBe(true);
    expect(slot.running).toBeUndefined();
  });

  it('asks no process that has ended', async () => {
    const signals: AbortSignal[] = [];
    let isGated = false;
    const { slot, processes } = make(() =>
      isGated
        ? (_, signal) => {
            signals.push(signal);
            return new Promise((_resolve, reject) =>
              signal.addEventListener('abort', () => reject(new Error('gone'))),
            );
          }
        : undefined,
    );
    await slot.start();
    isGated = true;
    processes[0]?.kill('crashed');
    await until('the second is asked', () => signals.length === 1);
    processes[1]?.kill('crashed too');
    await until('the third is asked', () => signals.length === 2);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  });
});
