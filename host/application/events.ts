import { checkFunction, kindOf, messageOf, PorticoError } from '../errors.js';
import { isPromiseLike } from '../pipeline/pipeline-context.js';
import type { Log } from './log.js';

/** Names an event and carries the type of its payload. Identity makes it. */
export class EventDefinition<T> {
  readonly name: string;
  /** Exists for the compiler only. */
  declare readonly payloadType: T;

  constructor(name: string) {
    this.name = name;
  }
}

/**
 * Called for each event it subscribed to. Nobody waits for a promise that it gives; what it throws comes out of
 * `raise`, what its promise rejects with is logged.
 */
export type EventHandler<T> = (payload: T) => void;

/** The monitor of an application: who wants to know subscribes, who makes it happen raises. Handlers are synchronous. */
export class Events {
  readonly #log: Log | undefined;
  readonly #handlers = new Map<EventDefinition<never>, EventHandler<never>[]>();

  /** `log` is told of handlers whose promise rejects; without one that is an unhandled rejection. */
  constructor(log?: Log) {
    this.#log = log;
  }

  /**
   * Gives the function that takes the subscription back. No function: `PORTICO_NOT_A_FUNCTION`; no event, such as a name
   * that is not exported: `PORTICO_NOT_AN_EVENT`.
   */
  subscribe<T>(definition: EventDefinition<T>, handler: EventHandler<T>): () => void {
    checkEvent(definition);
    checkFunction(handler, () => `A handler of the event ${definition.name}`);
    const key = definition as unknown as EventDefinition<never>;
    this.#handlers.set(key, [...(this.#handlers.get(key) ?? []), handler as EventHandler<never>]);
    return () => this.unsubscribe(definition, handler);
  }

  /** Removes the first subscription of this very handler. */
  unsubscribe<T>(definition: EventDefinition<T>, handler: EventHandler<T>): void {
    const key = definition as unknown as EventDefinition<never>;
    const handlers = this.#handlers.get(key) ?? [];
    const index = handlers.indexOf(handler as EventHandler<never>);
    if (index >= 0) this.#handlers.set(key, handlers.toSpliced(index, 1));
  }

  /** Has anybody subscribed? */
  isWatched<T>(definition: EventDefinition<T>): boolean {
    return (this.#handlers.get(definition as unknown as EventDefinition<never>)?.length ?? 0) > 0;
  }

  /** Runs all handlers in order of subscription, also when some throw; then throws what `throwFirst` throws. */
  raise<T>(definition: EventDefinition<T>, payload: T): void {
    const handlers = this.#handlers.get(definition as unknown as EventDefinition<never>) ?? [];
    const errors: unknown[] = [];
    for (const handler of handlers as unknown as readonly EventHandler<T>[]) {
      try {
        const given: unknown = handler(payload);
        if (isPromiseLike(given)) this.#watch(definition.name, given);
      } catch (error) {
        errors.push(error);
      }
    }
    throwFirst(errors);
  }

  /** As `raise`, but a failure is logged instead of thrown. */
  raiseCatching<T>(definition: EventDefinition<T>, payload: T, log: Log): void {
    try {
      this.raise(definition, payload);
    } catch (error) {
      logFailure(log, definition.name, error);
    }
  }

  #watch(name: string, given: PromiseLike<unknown>): void {
    const log = this.#log;
    if (log !== undefined) given.then(undefined, (error: unknown) => logFailure(log, name, error));
  }
}

/** Programs in JavaScript subscribe to what they have imported, whatever it is. */
function checkEvent(given: unknown): void {
  if (typeof (given as EventDefinition<unknown> | null | undefined)?.name === 'string') return;
  throw new PorticoError(
    'PORTICO_NOT_AN_EVENT',
    `subscribe() needs an event, and got ${kindOf(given)}. Import it by its name, for example ApplicationStarted.`,
  );
}

function logFailure(log: Log, name: string, error: unknown): void {
  log.error(`A handler of the event ${name} failed: ${messageOf(error)}`, error);
}

/** Throws the first of several errors, the others in its property `suppressed`. Nothing happens when there is none. */
export function throwFirst(errors: readonly unknown[]): void {
  if (errors.length === 0) return;
  const [first, ...others] = errors;
  if (others.length > 0 && first instanceof Error)
    Object.defineProperty(first, 'suppressed', { value: others, enumerable: false, configurable: true });
  throw first;
}
