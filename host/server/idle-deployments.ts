/**
 * Which fronts still have exchanges or tunnels with deployments that have left the mapping. A front that ended has
 * none; one that started later never had any.
 */
export class IdleDeployments {
  readonly #busy = new Map<string, Set<number>>();
  readonly #waiting = new Map<string, Set<() => void>>();

  /** The deployment has left the mapping; these fronts have not said yet that they are done with it. */
  removed(deployment: string, fronts: Iterable<number>): void {
    const busy = new Set(fronts);
    if (busy.size > 0) this.#busy.set(deployment, busy);
    else this.#idle(deployment);
  }

  /** It is in the mapping again. */
  returned(deployment: string): void {
    this.#busy.delete(deployment);
  }

  frontIdle(front: number, deployment: string): void {
    const busy = this.#busy.get(deployment);
    if (busy?.delete(front) && busy.size === 0) this.#idle(deployment);
  }

  frontGone(front: number): void {
    for (const deployment of [...this.#busy.keys()]) this.frontIdle(front, deployment);
  }

  /** True when it became idle, false at the deadline. `isMapped`: it cannot become idle before it is removed. */
  whenIdle(deployment: string, isMapped: boolean, deadlineMs: number): Promise<boolean> {
    if (!isMapped && !this.#busy.has(deployment)) return Promise.resolve(true);
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(deployment) ?? new Set();
      this.#waiting.set(deployment, waiting);
      const finish = (isIdle: boolean): void => {
        clearTimeout(timer);
        waiting.delete(idle);
        if (waiting.size === 0 && this.#waiting.get(deployment) === waiting) this.#waiting.delete(deployment);
        resolve(isIdle);
      };
      const idle = (): void => finish(true);
      const timer = setTimeout(() => finish(false), deadlineMs);
      waiting.add(idle);
    });
  }

  #idle(deployment: string): void {
    this.#busy.delete(deployment);
    for (const idle of [...(this.#waiting.get(deployment) ?? [])]) idle();
  }
}
