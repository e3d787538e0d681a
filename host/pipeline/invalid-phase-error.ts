import { PorticoError } from '../errors.js';
import type { PipelinePhase } from './pipeline-phase.js';

/**
 * A phase was named that the pipeline does not have: a mistake in the program, found when the application is
 * configured. Code `PORTICO_INVALID_PHASE`. MUST NOT be swallowed.
 */
export class InvalidPhaseError extends PorticoError {
  constructor(phase: PipelinePhase, known: readonly PipelinePhase[]) {
    const names = known.map((one) => one.name).join(', ');
    super(
      'PORTICO_INVALID_PHASE',
      `${phase} is not part of this pipeline. Its phases are: ${names === '' ? 'none' : names}. ` +
        'Add it with addPhase, insertPhaseBefore or insertPhaseAfter first.',
    );
    this.name = 'InvalidPhaseError';
  }
}
