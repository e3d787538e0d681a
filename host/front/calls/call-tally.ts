import type { CallCounts } from '../messages.js';

/** Why a call was not let through; value of `Portico-Problem`. */
export type CallRefusal =
  | 'call-unproven'
  | 'call-host'
  | 'call-not-allowed'
  | 'call-unknown'
  | 'call-loop'
  | 'call-limit';

/**
 * What callers do: how many calls of each are under way, and what is to be reported of them. Bounded by callers, which the
 * server has signed, and their lists.
 */
export class CallTally {
  readonly #underWay = new Map<string, number>();
  #pairs = new Map<string, CallPair>();

  /** Calls of an application that are not over. */
  underWay(caller: string): number {
    return this.#underWay.get(caller) ?? 0;
  }

  begin(caller: string, target: string): void {
    this.#underWay.set(caller, this.underWay(caller) + 1);
    this.#pair(caller, target).calls++;
  }

  end(caller: string): void {
    const left = this.underWay(caller) - 1;
    if (left > 0) this.#underWay.set(caller, left);
    else this.#underWay.delete(caller);
  }

  /** `target` is of the caller's list, or `''`; `host` as it was asked for. */
  refuse(caller: string, target: string, reason: CallRefusal, host: string): void {
    const pair = this.#pair(caller, target);
    pair.refused[reason] = (pair.refused[reason] ?? 0) + 1;
    pair.lastRefused = host.slice(0, 200);
  }

  /** Since the last time. */
  take(): readonly CallCounts[] {
    const taken = [...this.#pairs.values()];
    this.#pairs = new Map();
    return taken;
  }

  #pair(caller: string, target: string): CallPair {
    const key = `${caller} ${target}`;
    let pair = this.#pairs.get(key);
    if (pair === undefined) {
      pair = { caller, target, calls: 0, refused: {}, lastRefused: '' };
      this.#pairs.set(key, pair);
    }
    return pair;
  }
}

interface CallPair extends CallCounts {
  calls: number;
  readonly refused: Record<string, number>;
  lastRefused: string;
}
