import { type EventDefinition, Events, throwFirst } from '../application/events.js';
import type { Log } from '../application/log.js';

/**
 * Events of one application of an engine. Whoever subscribed to the engine is told first, over reloads; what an
 * application and its modules subscribe ends with them.
 */
export class EngineEvents extends Events {
  readonly #outer: Events;

  constructor(outer: Events, log?: Log) {
    super(log);
    this.#outer = outer;
  }

  override isWatched<T>(definition: EventDefinition<T>): boolean {
    return this.#outer.isWatched(definition) || super.isWatched(definition);
  }

  override raise<T>(definition: EventDefinition<T>, payload: T): void {
    const errors: unknown[] = [];
    try {
      this.#outer.raise(definition, payload);
    } catch (error) {
      errors.push(error);
    }
    try {
      super.raise(definition, payload);
    } catch (error) {
      errors.push(error);
    }
    if (errors.length > 0) throwFirst(errors);
  }
}
