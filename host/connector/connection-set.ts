import type { ConnectorLimits } from '../config/connector-limits.js';
import type { ListenerClock, ServedConnection } from './connection-context.js';
import type { ConnectorExchange } from './connector-exchange.js';
import type { ConnectorObserver } from './connector-observer.js';
import { SweepClock } from './sweep-clock.js';

/**
 * The connections of one listener, and one timer that looks after all their deadlines while there are any. Owned by the
 * listener.
 */
export class ConnectionSet {
  private readonly connections = new Set<ServedConnection>();
  private readonly clock: ListenerClock;
  private readonly sweepClock: SweepClock;
  private readonly observer: ConnectorObserver;
  private timer: NodeJS.Timeout | undefined;
  private onEmpty: (() => void) | undefined;
  /** When none was idle; looking again before the next sweep is of no use. */
  private foundNoneAt = -1;

  constructor(clock: ListenerClock, observer: ConnectorObserver) {
    this.clock = clock;
    this.sweepClock = new SweepClock(clock.now, clock.sweepMs);
    this.observer = observer;
  }

  get size(): number {
    return this.connections.size;
  }

  /** Sets the clock going. To be called before a connection is made: it may read the clock at once. */
  wake(): void {
    if (this.timer !== undefined) return;
    this.sweepClock.restart();
    this.timer = setInterval(() => this.sweep(), this.clock.sweepMs);
    this.timer.unref();
  }

  add(connection: ServedConnection): void {
    this.connections.add(connection);
  }

  /** The connection has closed. */
  forget(connection: ServedConnection): void {
    if (this.release(connection)) this.observer.connectionClosed?.();
  }

  /** Somebody else serves the connection from here on. False when it is not one of these. */
  release(connection: ServedConnection): boolean {
    if (!this.connections.delete(connection)) return false;
    if (this.connections.size === 0) {
      clearInterval(this.timer);
      this.timer = undefined;
      this.onEmpty?.();
    }
    return true;
  }

  /** Closes up to `most` idle connections, those open longest first; says how many. */
  shedIdle(most: number): number {
    const { now } = this.clock;
    if (most <= 0 || this.foundNoneAt === now) return 0;
    let count = 0;
    for (const connection of this.connections) {
      if (connection.shed?.() === true && ++count === most) return count;
    }
    this.foundNoneAt = now;
    return count;
  }

  /** Every connection serves the request it has, or one more, and closes behind it; idle ones are not closed for that. */
  retire(): void {
    this.clock.isDraining = true;
  }

  /** Lets go of all connections; destroys what is left after `deadlineMs` milliseconds. */
  async drain(deadlineMs: number): Promise<void> {
    this.clock.isDraining = true;
    const emptied = this.emptied(deadlineMs);
    // One turn of the event loop, so that requests which have already arrived are read and answered.
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    this.letGo();
    await emptied;
    for (const connection of this.connections) connection.destroy();
  }

  /** Idle connections close now, others behind what is in flight. */
  letGo(): void {
    for (const connection of this.connections) connection.drain();
  }

  /** As that of each connection. */
  eachOpen(visit: (exchange: ConnectorExchange) => void): void {
    for (const connection of this.connections) connection.eachOpen(visit);
  }

  private emptied(deadlineMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, deadlineMs);
      const isEmpty = (): boolean => this.connections.size === 0;
      function done(): void {
        clearTimeout(timer);
        resolve();
      }
      this.onEmpty = () => {
        if (isEmpty()) done();
      };
      this.onEmpty();
    });
  }

  private sweep(): void {
    const now = this.sweepClock.tick();
    this.clock.now = now;
    for (const connection of this.connections) connection.sweep(now);
  }
}

/** Time between two looks at the deadlines: short limits need a finer look. */
export function sweepTimeOf(limits: ConnectorLimits): number {
  const shortest = Math.min(limits.headerTimeoutMs, limits.bodyIdleTimeoutMs, limits.keepAliveTimeoutMs);
  return Math.max(MIN_SWEEP_MS, Math.min(MAX_SWEEP_MS, Math.floor(shortest / 4)));
}

const MAX_SWEEP_MS = 500;
const MIN_SWEEP_MS = 10;
