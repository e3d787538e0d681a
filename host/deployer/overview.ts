import type { ApplicationStatus } from './application-status.js';
import type { DeployedContexts } from './deployed-contexts.js';
import { unknownApplication } from './deployer-errors.js';
import type { Pin } from './history/journal.js';
import { placeNamed, shownPlace } from './place.js';
import type { DeployedFact } from './plan/foresee.js';
import type { Waiting } from './plan/plan.js';
import type { DependencyNode } from './rollout/dependencies.js';
import { statusOfWaiting } from './version-status.js';

/** What the overview goes by, as it is at the moment of asking. */
export interface OverviewParts {
  /** What lies in the drop folder and cannot be taken as it is. */
  readonly waiting: () => readonly Waiting[];
  /** All names of the drop folder. */
  readonly names: () => Iterable<string>;
  /** What serves instead of what lies in the drop folder. */
  readonly pinOf: (name: string) => Pin | undefined;
  /** Stopped by an operator. */
  readonly isHeld: (name: string) => boolean;
  /** Name of the default host, if it has one. */
  readonly defaultHost: () => string | undefined;
}

/** What is deployed and what waits, for operators, for dry runs and for applications that depend on others. Changes nothing. */
export class Overview {
  readonly #contexts: DeployedContexts;
  readonly #parts: OverviewParts;

  constructor(contexts: DeployedContexts, parts: OverviewParts) {
    this.#contexts = contexts;
    this.#parts = parts;
  }

  /** In order of name. */
  list(): readonly ApplicationStatus[] {
    const contexts = this.#contexts.all();
    const deployed = contexts.flatMap((context) => context.statuses()).map((status) => this.#asSeen(status));
    const waiting = this.#parts
      .waiting()
      .filter(({ candidate }) => this.#contexts.placeOf(candidate.name) === undefined)
      .map((waiting) => statusOfWaiting(waiting, this.#parts.defaultHost()));
    return [...deployed, ...waiting].sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  /** By name, by path, or by host and path. */
  find(nameOrPath: string): ApplicationStatus | undefined {
    const spokesman = this.#contexts.get(placeNamed(nameOrPath))?.spokesman;
    for (const name of [nameOrPath, spokesman]) {
      const status = name === undefined ? undefined : this.#contexts.of(name)?.status(name);
      if (status !== undefined) return this.#asSeen(status);
    }
    return this.list().find(
      ({ name, host, path }) => name === nameOrPath || path === nameOrPath || `${host}${path}` === nameOrPath,
    );
  }

  /** Throws `PORTICO_APPLICATION_UNKNOWN`. */
  statusOf(name: string): ApplicationStatus {
    const status = this.#contexts.of(name)?.status(name);
    if (status === undefined) throw unknownApplication(name);
    return this.#asSeen(status);
  }

  /** Everything that is deployed, and what lies in the drop folder and is on its way. */
  dependencyNodes(): Map<string, DependencyNode> {
    const nodes = new Map<string, DependencyNode>();
    const isStuck = new Set(this.#parts.waiting().map(({ candidate }) => candidate.name));
    for (const name of this.#parts.names()) {
      const state = isStuck.has(name) ? 'down' : 'coming';
      nodes.set(name, { application: name.replace(/##.*$/s, ''), dependsOn: [], state });
    }
    for (const context of this.#contexts.all())
      for (const [name, node] of context.dependencyNodes()) nodes.set(name, node);
    return nodes;
  }

  /** What a dry run must know of it. */
  deployedFact(status: ApplicationStatus): DeployedFact {
    const { name } = status;
    const context = this.#contexts.of(name);
    return {
      place: shownPlace(this.#contexts.placeOf(name) ?? ''),
      version: status.version,
      isServing: status.deployedAt !== undefined,
      key: context?.keyOf(name),
      isHeld: this.#parts.isHeld(name),
      pin: this.#parts.pinOf(name),
    };
  }

  /** What the last scan could not take as it is counts more than an earlier failure. */
  #asSeen(status: ApplicationStatus): ApplicationStatus {
    const waiting = this.#parts.waiting().find(({ candidate }) => candidate.name === status.name);
    const pin = this.#parts.pinOf(status.name);
    return {
      ...status,
      ...(waiting === undefined ? {} : { pendingFailure: waiting.reason }),
      ...(pin === undefined ? {} : { rolledBackTo: pin.number }),
    };
  }
}
