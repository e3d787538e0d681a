import type { Application } from '../application/application.js';
import type { ApplicationCall } from '../application/application-call.js';
import {
  ApplicationCallPipeline,
  ApplicationReceivePipeline,
  ApplicationSendPipeline,
} from '../application/call-pipelines.js';
import { OutgoingContent } from '../application/outgoing-content.js';
import { RequestBody } from '../application/request-body.js';
import { isPromiseLike, type PipelineContext } from '../pipeline/pipeline-context.js';
import type { Route } from '../routing/route.js';

/**
 * A place where plugins can hook in that is not one of the four of `PluginBuilder`. `install` puts the handler into
 * the pipeline; ready ones are in `hooks.ts`.
 *
 * ```ts
 * const BeforeCall: Hook<(call: ApplicationCall) => void> = {
 *   install: (pipeline, handler) =>
 *     pipeline.intercept(ApplicationCallPipeline.Call, (run) => handler(run.call)),
 * };
 * ```
 */
export interface Hook<Handler> {
  install(pipeline: ApplicationCallPipeline, handler: Handler, application: Application): void;
}

/**
 * What the body of a plugin works with; one for each installation. Handlers of one kind run in the order they were
 * given, and MAY be asynchronous.
 */
export class PluginBuilder<Config> {
  readonly application: Application;
  /** As the installation has configured it. */
  readonly config: Config;
  /** Where the plugin is installed; undefined when that is the application. */
  readonly route: Route | undefined;
  /** For interceptors and phases that no hook covers. */
  readonly pipeline: ApplicationCallPipeline;

  constructor(
    application: Application,
    config: Config,
    route: Route | undefined,
    pipeline: ApplicationCallPipeline,
  ) {
    this.application = application;
    this.config = config;
    this.route = route;
    this.pipeline = pipeline;
  }

  /** For each call, in the phase Plugins. In an application that is before routing. */
  onCall(handler: (call: ApplicationCall) => unknown): void {
    this.pipeline.intercept(ApplicationCallPipeline.Plugins, (run) => handler(run.context));
  }

  /** For each call, in the phase Validators: what may refuse the call. Not called when it is answered already. */
  onCallValidators(handler: (call: ApplicationCall) => unknown): void {
    this.pipeline.intercept(ApplicationCallPipeline.Validators, (run) =>
      run.context.isHandled ? undefined : handler(run.context),
    );
  }

  /**
   * When a handler receives the body, in Transform, as long as nobody has converted it. Gives the value of
   * `call.receiveType`, or undefined to leave it to others.
   */
  onCallReceive(handler: (call: ApplicationCall, body: RequestBody) => unknown): void {
    this.pipeline.receivePipeline.intercept(ApplicationReceivePipeline.Transform, (run, subject) =>
      subject instanceof RequestBody ? replaceSubject(run, handler(run.context, subject)) : undefined,
    );
  }

  /** When a call is answered, in Transform. Gives the value to go on with, or undefined to leave it as it is. */
  onCallRespond(handler: (call: ApplicationCall, value: unknown) => unknown): void {
    this.pipeline.sendPipeline.intercept(ApplicationSendPipeline.Transform, (run, subject) =>
      replaceSubject(run, handler(run.context, subject)),
    );
  }

  /** As `onCallRespond`, but only for values that are no content yet. */
  onCallRespondValue(handler: (call: ApplicationCall, value: unknown) => unknown): void {
    this.onCallRespond((call, value) =>
      value instanceof OutgoingContent ? undefined : handler(call, value),
    );
  }

  on<Handler>(hook: Hook<Handler>, handler: Handler): void {
    hook.install(this.pipeline, handler, this.application);
  }
}

/** Makes what a handler gave the subject, when it gave something. */
export function replaceSubject(run: PipelineContext<unknown, ApplicationCall>, given: unknown): unknown {
  if (isPromiseLike(given))
    return given.then((value) => {
      if (value !== undefined) run.subject = value;
    });
  if (given !== undefined) run.subject = given;
  return undefined;
}
