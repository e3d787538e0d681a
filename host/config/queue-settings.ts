import { z } from 'zod';
import { parseSize } from '../units.js';
import { duration, integer, leaf, section, show } from './setting-types.js';

/** Where requests wait for an application that is about to answer. */
export interface QueueSettings {
  /** Requests that wait in one front; further ones are answered 503 at once. 0: none waits. Default 100. */
  readonly size: number;
  /** How long one of them waits, until 503. Default 10s. */
  readonly timeoutMs: number;
}

/** How much of an application is used at a time, by all its instances together. */
export interface TrafficLimits {
  /** Requests that are answered at a time, open WebSockets included. Undefined: no limit. */
  readonly concurrency: number | undefined;
  /** Requests beyond `concurrency` that wait for their turn. Default: `queue.size`. */
  readonly queue: number | undefined;
  /** Bytes of response bodies a second. Undefined: no limit. */
  readonly outputBytesPerSecond: number | undefined;
}

/** Themes `queue` and `limits` (of requests) of the settings of one application. */
export interface QueueThemes {
  readonly queue: QueueSettings;
  readonly traffic: TrafficLimits;
}

/** Also what holds where nothing was read, as in tests. */
export const DEFAULT_QUEUE: QueueSettings = { size: 100, timeoutMs: 10_000 };

const NO_LIMITS: TrafficLimits = {
  concurrency: undefined,
  queue: undefined,
  outputBytesPerSecond: undefined,
};

/** `queue:` of an application. */
export const queueSchema = section({
  size: integer(0, 100_000).optional(),
  timeout: duration({ min: 10, max: 10 * 60_000 }).optional(),
});

/** Keys of `limits:` of an application that are about its requests. */
export const trafficShape = {
  concurrency: integer(1, 1_000_000).optional(),
  queue: integer(0, 100_000).optional(),
  outputRate: rate().optional(),
};

const trafficSchema = z.object(trafficShape);

/** What each key of the sections replaces in the base. */
export function applyQueueSettings(
  base: Partial<QueueThemes>,
  queue: z.output<typeof queueSchema> | undefined,
  limits: z.output<typeof trafficSchema> | undefined,
): QueueThemes {
  const before = base.queue ?? DEFAULT_QUEUE;
  const traffic = base.traffic ?? NO_LIMITS;
  return {
    queue: { size: queue?.size ?? before.size, timeoutMs: queue?.timeout ?? before.timeoutMs },
    traffic: {
      concurrency: limits?.concurrency ?? traffic.concurrency,
      queue: limits?.queue ?? traffic.queue,
      outputBytesPerSecond: limits?.outputRate ?? traffic.outputBytesPerSecond,
    },
  };
}

/** Bytes a second: a size with `/s` behind it. */
function rate() {
  return leaf((value, fail) => {
    const [, amount] = typeof value === 'string' ? (/^(.+)\/s$/.exec(value.trim()) ?? []) : [];
    if (amount === undefined)
      return fail(`${show(value)} is no rate: a size and /s, such as 512KiB/s, 10MiB/s`);
    try {
      const bytes = parseSize(amount);
      return bytes >= 1024 ? bytes : fail(`${show(value)} is out of bounds: from 1KiB/s upwards`);
    } catch (error) {
      return fail(error instanceof Error ? error.message : String(error));
    }
  });
}
