/**
 * A named step of a pipeline. Identity makes a phase, not the name: two phase objects with one name are two phases.
 * Phases are made once, as constants, and shared by everybody who intercepts them.
 */
export class PipelinePhase {
  /** For messages and traces only. */
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  toString(): string {
    return `Phase('${this.name}')`;
  }
}

/** Why a phase stands where it stands; kept so that a merge can put it into another pipeline in the same way. */
export type PhaseRelation =
  | { readonly kind: 'last' }
  | { readonly kind: 'after'; readonly reference: PipelinePhase }
  | { readonly kind: 'before'; readonly reference: PipelinePhase };

/** Relation of phases given to the constructor or to `addPhase`. */
export const LAST: PhaseRelation = { kind: 'last' };
