import type { DeployedContext } from './deployed-context.js';
import { unknownApplication } from './deployer-errors.js';
import { type Place, placeNamed } from './place.js';

/**
 * The contexts there are, one for each place, and which application is at which. Owned by the deployer. A context stays as
 * long as something of it is left.
 */
export class DeployedContexts {
  readonly #make: (place: Place) => DeployedContext;
  readonly #contexts = new Map<string, DeployedContext>();
  /** Name → identity of the place it is at. */
  readonly #places = new Map<string, string>();

  constructor(make: (place: Place) => DeployedContext) {
    this.#make = make;
  }

  all(): DeployedContext[] {
    return [...this.#contexts.values()];
  }

  /** By the identity of its place. */
  get(place: string): DeployedContext | undefined {
    return this.#contexts.get(place);
  }

  /** Makes it if there is none. */
  at(place: Place): DeployedContext {
    let context = this.#contexts.get(place.id);
    if (context === undefined) {
      context = this.#make(place);
      this.#contexts.set(place.id, context);
    }
    return context;
  }

  /** The one an application is at. */
  of(name: string): DeployedContext | undefined {
    const place = this.#places.get(name);
    return place === undefined ? undefined : this.#contexts.get(place);
  }

  /** By path, by name, or by the name that all versions of an application share. */
  named(nameOrPath: string): DeployedContext | undefined {
    const own = this.#contexts.get(placeNamed(nameOrPath)) ?? this.of(nameOrPath);
    if (own !== undefined) return own;
    const version = [...this.#places.keys()].find((name) => name.startsWith(`${nameOrPath}##`));
    return version === undefined ? undefined : this.of(version);
  }

  /** The one an application is at and known to. Throws `PORTICO_APPLICATION_UNKNOWN`. */
  require(name: string): DeployedContext {
    const context = this.of(name);
    if (context?.status(name) === undefined) throw unknownApplication(name);
    return context;
  }

  /** Identity of the place an application is at. */
  placeOf(name: string): string | undefined {
    return this.#places.get(name);
  }

  /** The application is at this place from now on; the context it was at is not told. */
  put(name: string, place: Place): void {
    this.#places.set(name, place.id);
  }

  /** The application is nowhere any more. */
  forget(name: string): void {
    this.#places.delete(name);
  }

  /** Lets a context go of which nothing is left. */
  tidy(context: DeployedContext): void {
    if (context.isEmpty && this.#contexts.get(context.place.id) === context)
      this.#contexts.delete(context.place.id);
  }
}
