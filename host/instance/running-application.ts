import type { Application } from '../application/application.js';
import type { ExchangeHandler } from '../exchange/exchange.js';
import type { Departure } from '../lifecycle/departure.js';
import type { ApplicationKind } from './messages.js';

/** An application that has started. Made by a loader, owned by the agent, which stops it once. */
export interface RunningApplication {
  readonly kind: ApplicationKind;
  /** Where it is one of the framework. */
  readonly application?: Application;
  /** Answers every exchange it is given, until `stop`. */
  readonly handle: ExchangeHandler;
  /**
   * Nothing new comes but what is on its way: answers that last for long are to end now, and their clients to hear why.
   * Everything is still answered. Only for applications that can know of it; the first call counts. Never rejects.
   */
  prepareStop?(departure: Departure): Promise<void>;
  /**
   * Tells the application to end: its stop events, its SIGTERM listeners, the `close` event of its server. Resolves
   * when it has ended or `graceMs` have passed. Nothing is in flight any more when it is called, unless time ran out.
   */
  stop(graceMs: number): Promise<void>;
  /** Called when the application ends on its own, by closing its server: the process may then run out of work. */
  onClosed(listener: () => void): void;
}
