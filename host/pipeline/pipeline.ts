import { checkFunction } from '../errors.js';
import { InvalidPhaseError } from './invalid-phase-error.js';
import { type Interceptor, PipelineContext } from './pipeline-context.js';
import { LAST, type PhaseRelation, type PipelinePhase } from './pipeline-phase.js';

/**
 * An ordered list of phases, each with an ordered list of interceptors; executed for a context (fixed) with a subject
 * (a value that interceptors may replace). Application, routes, receiving and sending are all built from it.
 *
 * Configured when an application starts, then executed for every call. The flattened list of interceptors is made at
 * the first execution after a change and shared by all executions, also by those that still run after a later change.
 */
export class Pipeline<Subject, Context> {
  /** Grows with every change; who derives something from this pipeline keeps it to see whether it is still right. */
  #version = 0;
  #contents: PhaseContent<Subject, Context>[] | undefined;
  #initialPhases: readonly PipelinePhase[];
  #flattened: readonly Interceptor<Subject, Context>[] | undefined = EMPTY;

  /** `phases` are in order and shared: the array MUST NOT be changed afterwards. */
  constructor(phases: readonly PipelinePhase[] = []) {
    this.#initialPhases = phases;
  }

  /** Counts changes of phases and interceptors. */
  get version(): number {
    return this.#version;
  }

  /** The phases in order. */
  get items(): readonly PipelinePhase[] {
    return this.#contents === undefined ? this.#initialPhases : this.#contents.map((one) => one.phase);
  }

  /** True when no phase has an interceptor. */
  get isEmpty(): boolean {
    return this.#contents?.every((one) => one.interceptors.length === 0) ?? true;
  }

  /** Interceptors of one phase, in the order they were registered. Unknown phase: empty. */
  interceptorsForPhase(phase: PipelinePhase): readonly Interceptor<Subject, Context>[] {
    return this.#contents?.find((one) => one.phase === phase)?.interceptors.slice() ?? [];
  }

  hasPhase(phase: PipelinePhase): boolean {
    return this.#indexOf(phase) >= 0;
  }

  /** Appends a phase; nothing happens when it is present. */
  addPhase(phase: PipelinePhase): void {
    if (!this.hasPhase(phase)) this.#insert(this.#open().length, phase, LAST);
  }

  /**
   * Puts `phase` behind `reference`, and behind everything that was inserted after `reference` before. Nothing
   * happens when it is present. Unknown reference: `PORTICO_INVALID_PHASE`.
   */
  insertPhaseAfter(reference: PipelinePhase, phase: PipelinePhase): void {
    if (this.hasPhase(phase)) return;
    let index = this.#requireIndex(reference);
    const contents = this.#open();
    for (let i = index + 1; i < contents.length; i++) {
      const relation = contents[i]?.relation;
      if (relation?.kind === 'after' && relation.reference === reference) index = i;
    }
    this.#insert(index + 1, phase, { kind: 'after', reference });
  }

  /** Puts `phase` directly in front of `reference`. Same rules as `insertPhaseAfter`. */
  insertPhaseBefore(reference: PipelinePhase, phase: PipelinePhase): void {
    if (this.hasPhase(phase)) return;
    this.#insert(this.#requireIndex(reference), phase, { kind: 'before', reference });
  }

  /**
   * Registers an interceptor at the end of a phase. Unknown phase: `PORTICO_INVALID_PHASE`; no function:
   * `PORTICO_NOT_A_FUNCTION`.
   */
  intercept(phase: PipelinePhase, interceptor: Interceptor<Subject, Context>): void {
    checkFunction(interceptor, () => `An interceptor of ${phase}`);
    const index = this.#requireIndex(phase);
    this.#open()[index]?.interceptors.push(interceptor);
    this.#changed();
    this.afterIntercepted();
  }

  /**
   * As `intercept`, but only for subjects of one type; others go on as if it were not there.
   *
   * ```ts
   * application.sendPipeline.interceptWhen(
   *   ApplicationSendPipeline.Transform,
   *   (value) => value instanceof Cart,
   *   (run, cart) => run.proceedWith(cart.items),
   * );
   * ```
   */
  interceptWhen<Wanted extends Subject>(
    phase: PipelinePhase,
    isWanted: (subject: Subject) => subject is Wanted,
    interceptor: (run: PipelineContext<Subject, Context>, subject: Wanted) => unknown,
  ): void {
    checkFunction(isWanted, () => `The test of an interceptor of ${phase}`);
    checkFunction(interceptor, () => `An interceptor of ${phase}`);
    this.intercept(phase, (run, subject) => (isWanted(subject) ? interceptor(run, subject) : undefined));
  }

  /**
   * Takes over phases and interceptors of `from`: unknown phases by their relation, interceptors behind those of the
   * same phase here. By value: what is added to `from` later does not appear. `isWanted` MAY leave some out.
   */
  merge(
    from: Pipeline<Subject, Context>,
    isWanted?: (interceptor: Interceptor<Subject, Context>) => boolean,
  ): void {
    this.mergePhases(from);
    if (from.#contents === undefined) return;
    for (const { phase, interceptors } of from.#contents) {
      const wanted = isWanted === undefined ? interceptors : interceptors.filter(isWanted);
      if (wanted.length > 0) this.#open()[this.#requireIndex(phase)]?.interceptors.push(...wanted);
    }
    this.#changed();
  }

  /** The half of `merge` that concerns phases. */
  mergePhases(from: Pipeline<Subject, Context>): void {
    if (this.items.length === 0) {
      if (from.#contents === undefined) this.#initialPhases = from.#initialPhases;
      else this.#contents = from.#contents.map(({ phase, relation }) => emptyContent(phase, relation));
      this.#changed();
      return;
    }
    if (from.#contents === undefined) {
      for (const phase of from.#initialPhases) this.addPhase(phase);
      return;
    }
    let waiting = from.#contents.filter(({ phase }) => !this.hasPhase(phase));
    while (waiting.length > 0)
      waiting = waiting.filter(({ phase, relation }) => !this.#insertRelated(phase, relation));
  }

  /** Makes this pipeline equal to `from`. This one MUST NOT have interceptors; then it throws a TypeError. */
  resetFrom(from: Pipeline<Subject, Context>): void {
    if (!this.isEmpty)
      throw new TypeError('resetFrom needs a pipeline without interceptors; this one has some.');
    this.#contents = undefined;
    this.#initialPhases = [];
    this.merge(from);
  }

  /**
   * Runs the interceptors and gives the subject as they left it: directly when all were synchronous, otherwise a
   * promise. Errors of interceptors come out the same way, thrown or as a rejection.
   */
  execute(context: Context, subject: Subject): Subject | Promise<Subject> {
    const interceptors = this.#flattened ?? this.#flatten();
    if (interceptors.length === 0) return subject;
    return new PipelineContext(interceptors, context, subject).proceed();
  }

  /** Called after each `intercept`; for subclasses that keep something derived from the interceptors. */
  protected afterIntercepted(): void {
    return;
  }

  #insertRelated(phase: PipelinePhase, relation: PhaseRelation): boolean {
    if (relation.kind === 'last') this.addPhase(phase);
    else if (relation.kind === 'after') this.insertPhaseAfter(relation.reference, phase);
    else if (this.hasPhase(relation.reference)) this.insertPhaseBefore(relation.reference, phase);
    else return false;
    return true;
  }

  #insert(index: number, phase: PipelinePhase, relation: PhaseRelation): void {
    this.#open().splice(index, 0, emptyContent(phase, relation));
    this.#changed();
  }

  /** The phases as a list that may be changed; made only when somebody changes something. */
  #open(): PhaseContent<Subject, Context>[] {
    this.#contents ??= this.#initialPhases.map((phase) => emptyContent(phase, LAST));
    return this.#contents;
  }

  #indexOf(phase: PipelinePhase): number {
    return this.#contents === undefined
      ? this.#initialPhases.indexOf(phase)
      : this.#contents.findIndex((one) => one.phase === phase);
  }

  #requireIndex(phase: PipelinePhase): number {
    const index = this.#indexOf(phase);
    if (index < 0) throw new InvalidPhaseError(phase, this.items);
    return index;
  }

  #flatten(): readonly Interceptor<Subject, Context>[] {
    const flattened = this.#contents?.flatMap((one) => one.interceptors) ?? EMPTY;
    this.#flattened = flattened;
    return flattened;
  }

  #changed(): void {
    this.#version++;
    this.#flattened = undefined;
  }
}

interface PhaseContent<Subject, Context> {
  readonly phase: PipelinePhase;
  readonly relation: PhaseRelation;
  readonly interceptors: Interceptor<Subject, Context>[];
}

const EMPTY: readonly never[] = [];

function emptyContent<Subject, Context>(
  phase: PipelinePhase,
  relation: PhaseRelation,
): PhaseContent<Subject, Context> {
  return { phase, relation, interceptors: [] };
}
