import { messageOf } from '../errors.js';
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

/** Called for each event it subscribed to. Synchronous; what it throws comes out of `raise`. */
export type EventHandler<T> = (payload: T) => void;

/** The monitor of an application: who wants to know subscribes, who makes it happen raises. Handlers are synchronous. */
export class Events {
  readonly #handlers = new Map<EventDefinition<never>, EventHandler<never>[]>();

  /** Gives the function that takes the subscription back. */
  subscribe<T>(definition: EventDefinition<T>, handler: EventHandler<T>): () => void {
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
        handler(payload);
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
      log.error(`A handler of the event ${definition.name} failed: ${messageOf(error)}`, error);
    }
  }
}

/** Throws the first of several errors, the others in its property `suppressed`. Nothing happens when there is none. */
export function throwFirst(errors: readonly unknown[]): void {
  if (errors.length === 0) return;
  const [first, ...others] = errors;
  if (others.length > 0 && first instanceof Error)
    Object.defineProperty(first, 'suppressed', { value: others, enumerable: false, configurable: true });
  throw first;
}
