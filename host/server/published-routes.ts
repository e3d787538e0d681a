import type { ContextRoute } from '../front/messages.js';
import { deploymentsOf } from '../front/target-deployments.js';

/** The mapping as it was last published: what a new front must be told. */
export class PublishedRoutes {
  readonly #routes = new Map<string, ContextRoute>();
  /** How many contexts a deployment answers for. */
  readonly #uses = new Map<string, number>();
  #revision = 0;

  get revision(): number {
    return this.#revision;
  }

  all(): readonly ContextRoute[] {
    return [...this.#routes.values()];
  }

  isMapped(deployment: string): boolean {
    return this.#uses.has(deployment);
  }

  /** Applies one step; tells which deployments came into the mapping and which left it. */
  change(set: readonly ContextRoute[], remove: readonly string[]): { came: string[]; left: string[] } {
    this.#revision += 1;
    const touched = new Map<string, boolean>();
    const use = (route: ContextRoute | undefined, difference: 1 | -1): void => {
      for (const deployment of route === undefined ? [] : deploymentsOf(route.target)) {
        if (!touched.has(deployment)) touched.set(deployment, this.#uses.has(deployment));
        const uses = (this.#uses.get(deployment) ?? 0) + difference;
        if (uses > 0) this.#uses.set(deployment, uses);
        else this.#uses.delete(deployment);
      }
    };
    for (const context of remove) {
      use(this.#routes.get(context), -1);
      this.#routes.delete(context);
    }
    for (const route of set) {
      use(this.#routes.get(route.context), -1);
      use(route, 1);
      this.#routes.set(route.context, route);
    }
    const changed = [...touched].filter(([deployment, was]) => was !== this.#uses.has(deployment));
    return {
      came: changed.filter(([, was]) => !was).map(([deployment]) => deployment),
      left: changed.filter(([, was]) => was).map(([deployment]) => deployment),
    };
  }
}
