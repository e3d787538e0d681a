import { quotedName } from '../../bundle/quoted-name.js';
import { PorticoError } from '../../errors.js';
import type { CanaryDecision } from './version-memory.js';

/** A canary that is under way, as operators see it. */
export interface CanaryStatus {
  /** Base name with version of what is tried. */
  readonly name: string;
  /** What it is to replace. */
  readonly replaces: string;
  readonly path: string;
  /** From 1. */
  readonly step: number;
  /** Percent of the new clients, by step. */
  readonly steps: readonly number[];
  /** The share it has now. */
  readonly share: number;
  /** How long the step has lasted and is to last, milliseconds. */
  readonly stepForMs: number;
  readonly intervalMs: number;
  /** Since the step began. */
  readonly requests: number;
  readonly errors: number;
  /** Fewer requests than this decide nothing. */
  readonly minRequests: number;
  /** 0 to 1. */
  readonly maxErrorRate: number;
}

/** What an operator can do with canaries; implemented by the deployer, used by the admin API. */
export interface Canaries {
  /** By name of a version, name of the application, or path. Undefined: none is under way there. */
  find(nameOrPath: string): CanaryStatus | undefined;
  /**
   * `promoted`: serves all new clients now; `aborted`: serves nobody any more. Harmless when it has ended so already.
   * Rejects with `PORTICO_CANARY_NONE` where none is.
   */
  end(nameOrPath: string, decision: CanaryDecision): Promise<void>;
}

/** What a place does for its canary. */
export interface CanaryPlace {
  canary(): CanaryStatus | undefined;
  /** False: none is under way, and the version of this name has not ended so before. */
  endCanary(name: string, decision: CanaryDecision): Promise<boolean>;
}

/** The canaries of all places, by what operators call them. */
export class DeployedCanaries implements Canaries {
  readonly #placeOf: (nameOrPath: string) => CanaryPlace | undefined;

  constructor(placeOf: (nameOrPath: string) => CanaryPlace | undefined) {
    this.#placeOf = placeOf;
  }

  find(nameOrPath: string): CanaryStatus | undefined {
    return this.#placeOf(nameOrPath)?.canary();
  }

  async end(nameOrPath: string, decision: CanaryDecision): Promise<void> {
    if ((await this.#placeOf(nameOrPath)?.endCanary(nameOrPath, decision)) === true) return;
    throw noCanary(nameOrPath);
  }
}

/** Nothing to show or to end. */
export function noCanary(nameOrPath: string): PorticoError {
  return new PorticoError(
    'PORTICO_CANARY_NONE',
    `no canary is under way at ${quotedName(nameOrPath)}; "portico list" shows which versions are live`,
  );
}
