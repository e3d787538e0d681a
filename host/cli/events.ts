import { setTimeout as sleep } from 'node:timers/promises';
import type { HostEvent } from '../log/event-log.js';
import { AdminClient } from './admin-client.js';
import { configOf, type OutputOptions } from './base-options.js';
import { forTerminal } from './for-terminal.js';

/** Between two looks with `--follow`, in milliseconds. */
const FOLLOW_MS = 1_000;

/** `portico events [NAME]`: what happened lately; with `--follow` also what happens next. */
export async function events(
  name: string | undefined,
  options: OutputOptions & { readonly follow?: boolean },
): Promise<void> {
  const client = AdminClient.of(configOf(options));
  let last = 0;
  for (;;) {
    for (const event of await client.events(name, last)) {
      last = event.number;
      process.stdout.write(options.json ? `${JSON.stringify(event)}\n` : lineOf(event));
    }
    if (options.follow !== true) return;
    await sleep(FOLLOW_MS);
  }
}

function lineOf({ time, level, event, application, message }: HostEvent): string {
  const who = application === '' ? 'host' : application;
  return `${time}  ${level.padEnd(5)}  ${event.padEnd(18)}  ${forTerminal(who)}  ${forTerminal(message)}\n`;
}
