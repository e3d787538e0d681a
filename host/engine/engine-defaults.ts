import type { Application } from '../application/application.js';
import type { ApplicationCall } from '../application/application-call.js';
import { ApplicationCallPipeline } from '../application/call-pipelines.js';
import { NoContent } from '../application/outgoing-content.js';
import { shutDownUrlHandler } from '../application/shut-down-url.js';
import { PipelinePhase } from '../pipeline/pipeline-phase.js';

/** Before everything of the application; exists only where the shutdown URL is configured. */
const SHUTDOWN_URL = new PipelinePhase('ShutDownUrl');

/**
 * What every engine adds to an application before its modules run. In Fallback: a call that nobody has answered gets
 * the status set on the response, else the failure of routing, else 404; the root path without its slash is redirected to the
 * one with it. It comes first in Fallback; who wants to
 * answer unhandled calls differently inserts a phase before it. In front of all phases: the shutdown URL, if the
 * configuration names one in `portico.deployment.shutdown.url`.
 */
export function installEngineDefaults(application: Application): void {
  application.intercept(ApplicationCallPipeline.Fallback, ({ context: call }) => {
    // An answer under way counts, also when the handler did not wait for it.
    if (!call.isHandled && call.answering === undefined) return answerUnhandled(call);
    return undefined;
  });
  const url = configuredShutDownUrl(application);
  if (url === undefined) return;
  const stopAt = shutDownUrlHandler({ url, exitCode: () => 0 });
  application.insertPhaseBefore(ApplicationCallPipeline.Setup, SHUTDOWN_URL);
  application.intercept(SHUTDOWN_URL, async (run) => {
    await stopAt(run.context);
    if (run.context.isHandled) run.finish();
  });
}

function configuredShutDownUrl({ environment: { config } }: Application): string | undefined {
  return config.propertyOrNull('portico.deployment.shutdown.url')?.getString();
}

/** The root path without its slash, on an application that matches it itself. Without a handler there, as the container does it. */
function isRootWithoutSlash({ application, method, localPath }: ApplicationCall): boolean {
  const { rootPath, isRootPathRemoved } = application.environment;
  return localPath === rootPath && !isRootPathRemoved && (method === 'GET' || method === 'HEAD');
}

function answerUnhandled(call: ApplicationCall): void | Promise<void> {
  if (call.responseStatus === undefined && isRootWithoutSlash(call)) {
    const { query } = call.exchange.head;
    return call.respondRedirect(`${call.localPath}/${query === undefined ? '' : `?${query}`}`);
  }
  const status = call.responseStatus ?? call.routingFailureStatus ?? 404;
  const allowed = call.allowedMethods;
  // RFC 9110 §15.5.6: 405 names the methods that are there.
  const headers =
    status === 405 && allowed !== undefined && allowed.length > 0 ? ['Allow', allowed.join(', ')] : undefined;
  return call.respond(new NoContent({ status, headers }));
}
