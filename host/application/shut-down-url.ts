import { messageOf, PorticoError } from '../errors.js';
import type { ApplicationCall } from './application-call.js';
import { engineControlOf } from './engine-control.js';

/** Which request stops an application, and with what exit code. */
export interface ShutDownUrlSettings {
  /** Path of the application, root path left away, with its query; the whole is compared. */
  readonly url: string;
  readonly exitCode: () => number;
}

/**
 * Answers calls for the URL with 410 and stops the application; leaves all others alone. `PORTICO_SHUTDOWN_URL` when the
 * URL does not begin with a slash: it would never be asked for.
 */
export function shutDownUrlHandler({
  url,
  exitCode,
}: ShutDownUrlSettings): (call: ApplicationCall) => void | Promise<void> {
  if (!url.startsWith('/'))
    throw new PorticoError(
      'PORTICO_SHUTDOWN_URL',
      `The shutdown URL ${JSON.stringify(url)} is no path. Begin it with a slash.`,
    );
  return (call) => {
    const { application, request } = call;
    if (call.isHandled || request.uri !== application.href(url)) return undefined;
    application.log.warn(`Stopping: ${call.method} of the shutdown URL.`);
    // The answer first: the call that stops the application is one of those that may finish.
    const answered = call.respondStatus(410);
    engineControlOf(application)?.shutDown(codeOf(call, exitCode));
    return answered;
  };
}

function codeOf(call: ApplicationCall, exitCode: () => number): number {
  try {
    const code = exitCode();
    return Number.isInteger(code) && code >= 0 && code <= 255 ? code : 1;
  } catch (error) {
    call.application.log.error(`The exit code could not be determined: ${messageOf(error)}`, error);
    return 1;
  }
}
