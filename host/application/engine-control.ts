import { AttributeKey } from '../pipeline/attributes.js';
import type { Application } from './application.js';

/** What an application may ask of the engine that runs it. */
export interface EngineControl {
  /**
   * Stops this application in order, soon after the running turn: an engine of its own stops, then ends the process with
   * `exitCode`; inside the container the container is asked to stop this application, and no other. Harmless twice.
   */
  shutDown(exitCode: number): void;
}

const ENGINE_CONTROL = new AttributeKey<EngineControl>('portico.engine.control');

/** For the engine that has made the application. */
export function putEngineControl(application: Application, control: EngineControl): void {
  application.attributes.put(ENGINE_CONTROL, control);
}

/** Undefined for an application that no engine has made. */
export function engineControlOf(application: Application): EngineControl | undefined {
  return application.attributes.getOrNull(ENGINE_CONTROL);
}
