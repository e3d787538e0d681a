import { describe, expect, it } from '@jest/globals';
import { EventLog } from '#host/log/event-log.js';
import { createServerLog } from '#host/log/server-log.js';

function logged(): { events: EventLog; log: ReturnType<typeof createServerLog> } {
  const events = new EventLog();
  return { events, log: createServerLog({ events, out: { write: () => true } }) };
}

describe('the event log', () => {
  it('keeps lines of the log that have an event, and no others', () => {
    const { events, log } = logged();
    log.info({ event: 'ready' }, 'ready');
    log.info({ application: 'shop' }, 'a line with "event":"no" in its text');
    log.child({ application: 'shop' }).warn({ event: 'memory-limit', usedBytes: 7 }, 'used too much');
    expect(events.list()).toMatchObject([
      { number: 1, level: 'info', event: 'ready', application: '', message: 'ready', details: {} },
      { number: 2, level: 'warn', event: 'memory-limit', application: 'shop', details: { usedBytes: 7 } },
    ]);
    expect(events.list({ application: 'shop' })).toHaveLength(1);
    expect(events.list({ after: 1 })).toMatchObject([{ number: 2 }]);
    expect(events.counts()).toEqual([
      { event: 'ready', application: '', count: 1 },
      { event: 'memory-limit', application: 'shop', count: 1 },
    ]);
  });

  it('keeps the last of each application, so that a loud one does not hide the others', () => {
    const { events, log } = logged();
    log.info({ event: 'deployed', application: 'quiet' }, 'quiet');
    for (let i = 0; i < 250; i++) log.warn({ event: 'restarting', application: 'loud' }, `restart ${i}`);
    expect(events.list({ application: 'quiet' })).toHaveLength(1);
    const loud = events.list({ application: 'loud' });
    expect(loud).toHaveLength(100);
    expect(loud.at(-1)?.message).toBe('restart 249');
    expect(events.counts()).toContainEqual({ event: 'restarting', application: 'loud', count: 250 });
  });

  it('bounds names and details', () => {
    const { events, log } = logged();
    for (let i = 0; i < 2_100; i++) log.info({ event: 'deployed', application: `a${i}` }, 'x');
    expect(events.list()).toHaveLength(2_000);
    expect(events.counts()).toHaveLength(2_000);
    log.error({ event: 'failed', application: 'shop', lastOutput: 'x'.repeat(10_000) }, 'failed');
    expect(events.list({ application: 'shop' })).toMatchObject([{ event: 'failed', details: {} }]);
  });
});
