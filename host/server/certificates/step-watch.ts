/** What is watched, and how its steps are told. */
export interface WatchedSteps<Item, Step> {
  /** What is in use now. */
  readonly items: () => readonly Item[];
  /** The same for the same item. */
  readonly keyOf: (item: Item) => string;
  /** The last step that it has come to; undefined: none yet. `now`: milliseconds since 1970. */
  readonly stepOf: (item: Item, now: number) => Step | undefined;
  readonly tell: (item: Item, step: Step, now: number) => void;
  readonly lookMs: number;
}

/** Tells of each step that something in use comes to, once. Owned by who watches; owns its timer. */
export class StepWatch<Item, Step> {
  readonly #watched: WatchedSteps<Item, Step>;
  /** Key to the step that was told last. */
  #told = new Map<string, Step>();
  #timer: NodeJS.Timeout | undefined;

  constructor(watched: WatchedSteps<Item, Step>) {
    this.#watched = watched;
  }

  start(): void {
    this.look(Date.now());
    this.#timer = setInterval(() => this.look(Date.now()), this.#watched.lookMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Tells what has not been told yet. */
  look(now: number): void {
    const { items, keyOf, stepOf, tell } = this.#watched;
    const told = new Map<string, Step>();
    for (const item of items()) {
      const step = stepOf(item, now);
      if (step === undefined) continue;
      const key = keyOf(item);
      told.set(key, step);
      if (this.#told.get(key) !== step) tell(item, step, now);
    }
    // What is not in use any more is forgotten.
    this.#told = told;
  }
}
