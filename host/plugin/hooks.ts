import type { Application } from '../application/application.js';
import type { ApplicationCall } from '../application/application-call.js';
import {
  ApplicationCallPipeline,
  ApplicationReceivePipeline,
  ApplicationSendPipeline,
} from '../application/call-pipelines.js';
import type { EventDefinition } from '../application/events.js';
import { withLogContext } from '../application/log-context.js';
import type { AnyContent } from '../application/outgoing-content.js';
import { RequestBody } from '../application/request-body.js';
import { isPromiseLike } from '../pipeline/pipeline-context.js';
import { PipelinePhase } from '../pipeline/pipeline-phase.js';
import { type Hook, replaceSubject } from './plugin-builder.js';

/** In front of everything else that happens to a call. */
export const BeforeSetup = new PipelinePhase('BeforeSetup');
/** Behind all handlers, in front of the engine's answer to unhandled calls. */
export const BeforeFallback = new PipelinePhase('BeforeFallback');

type CallHandler = (call: ApplicationCall) => unknown;

/** For each call, in Setup: prepare the call, before anything looks at it. */
export const CallSetup: Hook<CallHandler> = {
  install: (pipeline, handler) =>
    pipeline.intercept(ApplicationCallPipeline.Setup, (run) => handler(run.context)),
};

/** For each call, in Monitoring. */
export const Metrics: Hook<CallHandler> = {
  install: (pipeline, handler) =>
    pipeline.intercept(ApplicationCallPipeline.Monitoring, (run) => handler(run.context)),
};

/**
 * When a call fails, from Setup on. The handler MAY answer; the error goes on to the engine unless it did.
 */
export const CallFailed: Hook<(call: ApplicationCall, error: unknown) => unknown> = {
  install(pipeline, handler) {
    const failed = (call: ApplicationCall, error: unknown): unknown => {
      const { answering } = call;
      const wasHandled = call.isHandled;
      const rethrow = (): void => {
        if (wasHandled || !call.isHandled) throw error;
      };
      // An answer of the handler counts, also when it did not wait for it.
      const answered = (): unknown =>
        call.isHandled || call.answering === answering ? rethrow() : call.answering?.then(rethrow);
      const result = withLogContext(call.logContext, () => handler(call, error));
      return isPromiseLike(result) ? result.then(answered) : answered();
    };
    pipeline.insertPhaseBefore(ApplicationCallPipeline.Setup, BeforeSetup);
    pipeline.intercept(BeforeSetup, (run) => {
      const call = run.context;
      let result: unknown;
      try {
        result = run.proceed();
      } catch (error) {
        return failed(call, error);
      }
      return isPromiseLike(result)
        ? result.then(undefined, (error: unknown) => failed(call, error))
        : undefined;
    });
  },
};

/** When nobody has answered a call, before the engine answers with 404 or 405. The handler MAY answer. */
export const CallUnhandled: Hook<CallHandler> = {
  install(pipeline, handler) {
    pipeline.insertPhaseBefore(ApplicationCallPipeline.Fallback, BeforeFallback);
    pipeline.intercept(BeforeFallback, ({ context: call }) =>
      // An answer under way counts, also when the handler did not wait for it.
      call.isHandled || call.answering !== undefined ? undefined : handler(call),
    );
  },
};

/** Before the values of answers become contents. Gives the value to go on with, or undefined. */
export const BeforeResponseTransform: Hook<(call: ApplicationCall, value: unknown) => unknown> = {
  install: (pipeline, handler) =>
    pipeline.sendPipeline.intercept(ApplicationSendPipeline.Before, (run, subject) =>
      replaceSubject(run, handler(run.context, subject)),
    ),
};

/** When the content of an answer is final, before it is sent. Gives another content, or undefined. */
export const ResponseBodyReadyForSend: Hook<(call: ApplicationCall, content: AnyContent) => unknown> = {
  install: (pipeline, handler) =>
    pipeline.sendPipeline.intercept(ApplicationSendPipeline.After, (run, subject) =>
      replaceSubject(run, handler(run.context, subject as AnyContent)),
    ),
};

/** When an answer was sent, for streams to the last byte. Once for each call, as a second answer is not sent. */
export const ResponseSent: Hook<CallHandler> = {
  install: (pipeline, handler) =>
    pipeline.sendPipeline.intercept(ApplicationSendPipeline.Engine, (run) => handler(run.context)),
};

/**
 * When an answer ended before its time, behind its head: the client has gone, or its source has failed. Instead of
 * `ResponseSent`. MUST NOT throw.
 */
export const ResponseBroken: Hook<(call: ApplicationCall, error: unknown) => void> = {
  install: (pipeline, handler) =>
    pipeline.sendPipeline.intercept(ApplicationSendPipeline.After, (run) => {
      const result = run.proceed();
      // What is answered at once cannot break here.
      if (!isPromiseLike(result)) return undefined;
      return result.then(undefined, (error: unknown) => {
        if (run.context.isHandled) handler(run.context, error);
        throw error;
      });
    }),
};

/**
 * When a handler receives the body, before it is converted. Gives a body to read instead, or undefined; see
 * `RequestBody.of`.
 */
export const ReceiveRequestBytes: Hook<(call: ApplicationCall, body: RequestBody) => unknown> = {
  install: (pipeline, handler) =>
    pipeline.receivePipeline.intercept(ApplicationReceivePipeline.Before, (run, subject) =>
      subject instanceof RequestBody ? replaceSubject(run, handler(run.context, subject)) : undefined,
    ),
};

/** When an event of the application is raised. */
export function MonitoringEvent<T>(definition: EventDefinition<T>): Hook<(payload: T) => void> {
  return {
    install(_pipeline, handler, application: Application) {
      application.monitor.subscribe(definition, handler);
    },
  };
}
