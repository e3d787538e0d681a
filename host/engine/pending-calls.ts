import type { ApplicationCall } from '../application/application-call.js';

/** A call that is under way, from `PendingCalls.add` to `remove`. */
export interface PendingCall {
  readonly call: ApplicationCall;
  /** When it began, in milliseconds of `performance.now`. */
  readonly begin: number;
}

/**
 * The calls that are under way, in the order they came. A list and not a Map: V8 makes a new table for a Map each time as many
 * entries have come and gone as it has room for, and each table leads to the next. The first that has become old holds all that
 * follow, with the calls that were in them, until the whole heap is collected.
 */
export class PendingCalls {
  #size = 0;
  #first: Entry | undefined;
  #last: Entry | undefined;

  get size(): number {
    return this.#size;
  }

  add(call: ApplicationCall, begin: number): PendingCall {
    const last = this.#last;
    const entry: Entry = { call, begin, isListed: true, previous: last, next: undefined };
    if (last === undefined) this.#first = entry;
    else last.next = entry;
    this.#last = entry;
    this.#size++;
    return entry;
  }

  /** Does nothing for a call that was removed before. */
  remove(pending: PendingCall): void {
    const entry = pending as Entry;
    if (!entry.isListed) return;
    const { previous, next } = entry;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    // Nor does an entry lead anywhere that is not listed any more.
    entry.previous = entry.next = undefined;
    entry.isListed = false;
    this.#size--;
  }

  /** Those that are under way now; each may be removed meanwhile. */
  all(): PendingCall[] {
    const all: PendingCall[] = [];
    for (let entry = this.#first; entry !== undefined; entry = entry.next) all.push(entry);
    return all;
  }
}

interface Entry extends PendingCall {
  isListed: boolean;
  previous: Entry | undefined;
  next: Entry | undefined;
}
