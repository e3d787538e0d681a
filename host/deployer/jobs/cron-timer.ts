import { messageOf, PorticoError } from '../../errors.js';

/** Fires by a cron expression. Whoever starts one stops it. */
export interface CronTimer {
  /** When it fires next; undefined: never again. */
  next(): Date | undefined;
  stop(): void;
}

/**
 * Starts a timer. The library is loaded by the first one: few hosts have jobs. Across a change to summer time, a run at a
 * time that does not exist comes right behind the gap, and at one that exists twice only at the first. Throws
 * `PORTICO_CRON_INVALID`.
 */
export async function startCronTimer(
  cron: string,
  zone: string | undefined,
  fire: () => void,
): Promise<CronTimer> {
  const { Cron } = await import('croner');
  try {
    const options = {
      mode: '5-or-6-parts' as const,
      unref: true,
      ...(zone === undefined ? {} : { timezone: zone }),
    };
    const timer = new Cron(cron, options, fire);
    return { next: () => timer.nextRun() ?? undefined, stop: () => timer.stop() };
  } catch (cause) {
    throw new PorticoError('PORTICO_CRON_INVALID', `"${cron}" is no cron expression: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/** Throws `PORTICO_CRON_INVALID` for what cannot be read, or never fires. */
export async function checkCron(cron: string, zone: string | undefined): Promise<void> {
  const timer = await startCronTimer(cron, zone, () => undefined);
  const next = timer.next();
  timer.stop();
  if (next === undefined)
    throw new PorticoError('PORTICO_CRON_INVALID', `"${cron}" never comes: correct its day and month`);
}
