import { checkFunction, PorticoError } from '../errors.js';
import { isPromiseLike } from '../pipeline/pipeline-context.js';

/**
 * Has a function configure `target`, at once. `what` says what the function is for: `the plugin CORS`. No function:
 * `PORTICO_NOT_A_FUNCTION`; one that gives a promise: `PORTICO_CONFIGURED_LATER`.
 */
export function configureBy<T>(configure: (target: T) => unknown, target: T, what: () => string): void {
  checkFunction(configure, () => `What configures ${what()}`);
  const given = configure(target);
  if (!isPromiseLike(given)) return;
  // It is told below that nobody waits for it.
  given.then(undefined, () => undefined);
  throw new PorticoError(
    'PORTICO_CONFIGURED_LATER',
    `What configures ${what()} is asynchronous, so what it does behind its first await would come too late. ` +
      'Await in the module, then configure with what came of it.',
  );
}
