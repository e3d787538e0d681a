import { within } from '../../deadline.js';
import { PorticoError } from '../../errors.js';
import type { ContextRoute } from '../../front/messages.js';
import type { RouteTable } from '../../front/route-table.js';

/** Fronts acknowledge within milliseconds; one that does not in this time is replaced by its owner. */
const ACKNOWLEDGE_MS = 30_000;

/**
 * Brings changes of many contexts to the fronts: what comes while a change is on its way travels together in the next
 * one. Each route is sent only when it has changed, so contexts never disturb one another. Owned by the deployer.
 */
export class RouteBatch {
  readonly #routes: RouteTable;
  #waiting: Batch | undefined;
  #isSending = false;

  constructor(routes: RouteTable) {
    this.#routes = routes;
  }

  /** Sets the route of a context, or removes it. Resolves when every front has it. */
  publish(context: string, route: ContextRoute | undefined): Promise<void> {
    this.#waiting ??= new Batch();
    const batch = this.#waiting;
    batch.changes.set(context, route);
    if (!this.#isSending) void this.#send();
    return batch.done;
  }

  async #send(): Promise<void> {
    this.#isSending = true;
    // Changes made in the same turn go together.
    await Promise.resolve();
    for (let batch = this.#take(); batch !== undefined; batch = this.#take()) {
      const set: ContextRoute[] = [];
      const remove: string[] = [];
      for (const [context, route] of batch.changes) {
        if (route === undefined) remove.push(context);
        else set.push(route);
      }
      try {
        if (!(await within(this.#routes.publish(set, remove), ACKNOWLEDGE_MS))) {
          throw new PorticoError(
            'PORTICO_ROUTES_NOT_APPLIED',
            `the fronts did not acknowledge a change of the mapping within ${ACKNOWLEDGE_MS} ms; see the log of the fronts`,
          );
        }
        batch.resolve();
      } catch (error) {
        batch.reject(error);
      }
    }
    this.#isSending = false;
  }

  #take(): Batch | undefined {
    const batch = this.#waiting;
    this.#waiting = undefined;
    return batch;
  }
}

class Batch {
  readonly changes = new Map<string, ContextRoute | undefined>();
  readonly done: Promise<void>;
  resolve: () => void = () => undefined;
  reject: (error: unknown) => void = () => undefined;

  constructor() {
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}
