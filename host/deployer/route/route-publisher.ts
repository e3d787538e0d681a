import { messageOf } from '../../errors.js';
import { goesOn } from '../../front/goes-on.js';
import type { ContextRoute } from '../../front/messages.js';
import type { DeployerLog } from '../collaborators.js';
import { shownPlace } from '../place.js';
import type { RouteBatch } from './route-batch.js';

/** Keeps the route of one context in the fronts equal to what the context says now. Owned by the context. */
export class RoutePublisher {
  readonly #context: string;
  readonly #batch: RouteBatch;
  readonly #log: DeployerLog;
  readonly #route: () => ContextRoute | undefined;
  /** What was sent last, as text; undefined: it is not known what the fronts have. */
  #sent: string | undefined = '';
  #acknowledged: Promise<void> = Promise.resolve();

  constructor(context: string, batch: RouteBatch, log: DeployerLog, route: () => ContextRoute | undefined) {
    this.#context = context;
    this.#batch = batch;
    this.#log = log;
    this.#route = route;
  }

  /** Whether somebody answers at the path now, or before long. */
  get goesOn(): boolean {
    return goesOn(this.#route()?.target);
  }

  /** Sends the route if it has changed since the last time. Resolves when every front has it. */
  async publish(): Promise<void> {
    const route = this.#route();
    const text = route === undefined ? '' : JSON.stringify(route);
    if (text !== this.#sent) {
      this.#sent = text;
      this.#acknowledged = this.#batch.publish(this.#context, route);
    }
    try {
      await this.#acknowledged;
    } catch (error) {
      this.#sent = undefined;
      throw error;
    }
  }

  /** The same where nothing could be done about a failure but to say so. */
  async publishOrLog(): Promise<void> {
    try {
      await this.publish();
    } catch (error) {
      this.#log.error(
        { code: 'PORTICO_ROUTES_NOT_APPLIED', err: error, path: this.#context },
        `the fronts could not be told how ${shownPlace(this.#context)} answers now: ${messageOf(error)}`,
      );
    }
  }
}
