import { compareVersions } from '../bundle/compare-versions.js';
import { quotedName } from '../bundle/quoted-name.js';
import { messageOf } from '../errors.js';
import type { DeployerLog } from './collaborators.js';
import type { DeployedContext } from './deployed-context.js';
import type { DeployedContexts } from './deployed-contexts.js';
import type { Journal } from './history/journal.js';
import { placeOf, shownPlace } from './place.js';
import type { Action } from './plan/plan.js';
import type { Candidate } from './scan/candidate.js';
import type { Order } from './version.js';

/** What the actions need of the deployer. */
export interface PlanActionsParts {
  readonly appsFolder: string;
  readonly log: DeployerLog;
  /** Undefined before it is open. */
  readonly journal: () => Journal;
  readonly nextSerial: () => number;
  /** What lies under the name was not taken after all; the plan is to ask for it again. */
  readonly owe: (name: string) => void;
}

/**
 * Does what the plan says: orders what is to be taken from the context of its place, moves what has another place now,
 * removes what is gone. Owned by the deployer. All of it is work of the background; what fails is logged.
 */
export class PlanActions {
  readonly #parts: PlanActionsParts;
  readonly #contexts: DeployedContexts;
  /** Name → number of its last order; an order with another number is out of date. */
  readonly #orders = new Map<string, number>();
  readonly #work = new Set<Promise<void>>();

  constructor(contexts: DeployedContexts, parts: PlanActionsParts) {
    this.#contexts = contexts;
    this.#parts = parts;
  }

  /** Begins them all. */
  begin(actions: readonly Action[]): void {
    for (const action of inOrder(actions)) this.#act(action);
  }

  /** Resolves when nothing is under way, whatever was added meanwhile. */
  async over(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  /** The name is not ours any more; what is under way for it is out of date. */
  drop(name: string): void {
    this.#orders.delete(name);
    this.#contexts.forget(name);
    this.#parts.journal()?.forget(name);
  }

  #act(action: Action): void {
    const { log, appsFolder } = this.#parts;
    if (action.kind === 'take') this.#track(this.#take(action.candidate, action.byMarker));
    else if (action.kind === 'remove') this.#track(this.#remove(action.name));
    else if (action.kind === 'recovered') log.info({ event: 'recovered' }, `${appsFolder} can be read again`);
    else {
      const { name, code, message } = action;
      log.warn(
        { event: 'report', code, application: name },
        `${name === '' ? appsFolder : quotedName(name)}: ${message}`,
      );
    }
  }

  /** Work of the background; whoever waits for the first pass waits for it. */
  #track(work: Promise<void>): void {
    const { log } = this.#parts;
    const done = work
      .catch((error: unknown) => {
        log.error(
          { code: 'PORTICO_DEPLOYER_FAILED', err: error },
          `a rollout ended in an error: ${messageOf(error)}`,
        );
      })
      .finally(() => this.#work.delete(done));
    this.#work.add(done);
  }

  async #take(candidate: Candidate, isForced: boolean): Promise<void> {
    const { name, descriptor, sources } = candidate;
    const [source] = sources;
    if (source === undefined) return;
    const number = this.#parts.nextSerial();
    this.#orders.set(name, number);
    const before = this.#contexts.of(name);
    // While the descriptor cannot be read, the application stays where it is; the rollout reports the descriptor.
    const isUnclear = descriptor?.problem !== undefined && before !== undefined;
    const place = isUnclear ? before.place : placeOf(candidate.context);
    const context = this.#contexts.at(place);
    const order: Order = {
      name,
      context: { ...candidate.context, host: place.host, contextPath: place.path },
      source,
      descriptor,
      isForced,
      isMove: before !== undefined && before !== context,
      isCurrent: () => this.#orders.get(name) === number,
    };
    this.#contexts.put(name, place);
    const result = await context.take(order);
    if (result === 'dropped') {
      if (!order.isCurrent()) return;
      this.#parts.owe(name);
      if (before === undefined || before === context) return;
      this.#contexts.put(name, before.place);
      await context.remove(name);
      this.#contexts.tidy(context);
      return;
    }
    if (before !== undefined && before !== context) {
      await this.#move(name, before, context, result === 'failed');
    }
    const at = this.#contexts.placeOf(name);
    const journal = this.#parts.journal();
    if (at === undefined) return;
    const claim = `${at}##${candidate.context.version}`;
    if (journal.holders.get(claim) === name && !journal.buried.has(name)) return;
    journal.buried.delete(name);
    for (const [other, holder] of journal.holders) if (holder === name) journal.holders.delete(other);
    journal.holders.set(claim, name);
    await journal.save();
  }

  /**
   * A descriptor gave the application another place: the old one ends when the new one serves, and at once when nothing
   * worked there either.
   */
  async #move(name: string, from: DeployedContext, to: DeployedContext, hasFailed: boolean): Promise<void> {
    if (!hasFailed || from.status(name)?.state === 'failed') {
      await from.remove(name);
      this.#contexts.tidy(from);
      return;
    }
    const reason = to.status(name)?.reason;
    await to.remove(name);
    this.#contexts.tidy(to);
    this.#contexts.put(name, from.place);
    from.keepWith(name, `it could not move to ${shownPlace(to.place.id)}: ${reason}`);
  }

  async #remove(name: string): Promise<void> {
    const context = this.#contexts.of(name);
    this.drop(name);
    if (context !== undefined) {
      await context.remove(name);
      this.#contexts.tidy(context);
    }
    await this.#parts.journal()?.save();
  }
}

/** Of two versions of one path the higher one begins, so that the lower one need not be started at all. */
function inOrder(actions: readonly Action[]): readonly Action[] {
  return [...actions].sort((left, right) =>
    left.kind === 'take' && right.kind === 'take'
      ? compareVersions(right.candidate.context.version, left.candidate.context.version)
      : 0,
  );
}
