import type { ExchangeHandler } from '../../exchange/exchange.js';
import type { BootPlan } from '../messages.js';
import { wrapFetch } from './call-fetch.js';

/**
 * Lets the application of this process call others by `fetch` and `node:http`, as far as it may. To be called before
 * anything of it is loaded. Gives what is to stand before its handler. Of an application that calls nobody only `fetch` is
 * wrapped, to tell it why, and nothing is loaded.
 */
export async function offerCalls({
  application,
  calls,
}: BootPlan): Promise<(handle: ExchangeHandler) => ExchangeHandler> {
  if (calls === undefined) {
    wrapFetch(application, undefined);
    return (handle) => handle;
  }
  const { CallCredentials } = await import('./call-credentials.js');
  const { CallScope } = await import('./call-scope.js');
  const { wrapGlobalAgent } = await import('./call-http.js');
  const scope = new CallScope();
  const credentials = new CallCredentials(calls, scope);
  wrapFetch(application, credentials);
  wrapGlobalAgent(credentials);
  return (handle) => scope.around(handle);
}
