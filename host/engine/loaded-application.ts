import { Application } from '../application/application.js';
import { ApplicationStarting } from '../application/application-events.js';
import { type EngineControl, putEngineControl } from '../application/engine-control.js';
import type { ApplicationEnvironment } from '../application/environment.js';
import { CallRunner, type FailureObserver } from './call-runner.js';
import { installEngineDefaults } from './engine-defaults.js';
import { EngineEvents } from './engine-events.js';
import type { ShownPlaces } from './error-page/error-answer.js';

/** One application of an engine and the calls that run in it. A reload makes another one. */
export class LoadedApplication {
  readonly application: Application;
  readonly runner: CallRunner;

  constructor(
    environment: ApplicationEnvironment,
    settings: {
      readonly control: EngineControl;
      readonly onFailure: FailureObserver;
      readonly responseTimeoutMs: number;
      readonly shownPlaces: ShownPlaces | undefined;
    },
  ) {
    const { control, onFailure, responseTimeoutMs, shownPlaces } = settings;
    this.application = new Application(environment, new EngineEvents(environment.monitor, environment.log));
    putEngineControl(this.application, control);
    this.application.monitor.subscribe(ApplicationStarting, installEngineDefaults);
    this.runner = new CallRunner(this.application, onFailure, responseTimeoutMs, shownPlaces);
  }
}
