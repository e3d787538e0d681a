/**
 * One piece of a pipeline. Gets the execution and the subject as it was when the interceptor was started; the current
 * one is `execution.subject`. MAY return a promise, then everything behind it waits. Any other return value is
 * ignored. Returning without `proceed` does not stop anything: the next interceptor runs; `finish` stops.
 */
export type Interceptor<Subject, Context> = (
  execution: PipelineContext<Subject, Context>,
  subject: Subject,
) => unknown;

/**
 * One run of a pipeline: the list of interceptors, how far it got, and the subject. Made by `Pipeline.execute`, lives
 * until the last interceptor has returned.
 *
 * Costs no promise as long as interceptors are synchronous. `proceed()` therefore returns the subject or a promise of it;
 * an asynchronous interceptor MUST await it.
 */
export class PipelineContext<Subject, Context> {
  /** What the pipeline is executed for; never changes during a run. */
  readonly context: Context;
  /** The value under work. Assigning it changes what later interceptors get, and the result. */
  subject: Subject;

  readonly #interceptors: readonly Interceptor<Subject, Context>[];
  #index = 0;
  /** The asynchronous rest that was started last. */
  #lastRun: Promise<Subject> | undefined;

  constructor(interceptors: readonly Interceptor<Subject, Context>[], context: Context, subject: Subject) {
    this.#interceptors = interceptors;
    this.context = context;
    this.subject = subject;
  }

  /** The context by the name it nearly always has. */
  get call(): Context {
    return this.context;
  }

  /**
   * Runs everything behind the current interceptor, then gives the subject. A second call finds nothing left and just
   * gives the subject. An error of a later interceptor comes out here, so `try` around it is the way to handle it; if
   * it is handled, the run goes on with the next interceptor that was not started yet.
   */
  proceed(): Subject | Promise<Subject> {
    const interceptors = this.#interceptors;
    while (this.#index < interceptors.length) {
      const before = this.#lastRun;
      const interceptor = interceptors[this.#index++] as Interceptor<Subject, Context>;
      const result = interceptor(this, this.subject);
      if (isPromiseLike(result)) return this.#proceedBehind(result);
      // A synchronous interceptor that called proceed() must not be overtaken by what it started.
      const after = this.#lastRun;
      if (after !== undefined && after !== before) return this.#proceedBehind(after);
    }
    return this.subject;
  }

  /** Replaces the subject for every later interceptor and for the result, then proceeds. */
  proceedWith(subject: Subject): Subject | Promise<Subject> {
    this.subject = subject;
    return this.proceed();
  }

  /** Nothing later starts. What stands behind a `proceed()` of outer interceptors still runs. */
  finish(): void {
    this.#index = this.#interceptors.length;
  }

  #proceedBehind(first: PromiseLike<unknown>): Promise<Subject> {
    const run = this.#runBehind(first);
    this.#lastRun = run;
    return run;
  }

  async #runBehind(first: PromiseLike<unknown>): Promise<Subject> {
    await first;
    const interceptors = this.#interceptors;
    while (this.#index < interceptors.length) {
      const before = this.#lastRun;
      const interceptor = interceptors[this.#index++] as Interceptor<Subject, Context>;
      const result = interceptor(this, this.subject);
      if (isPromiseLike(result)) await result;
      else if (this.#lastRun !== before) await this.#lastRun;
    }
    return this.subject;
  }
}

/** True for everything that can be awaited to some effect. */
export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}
